/*
 * aarch64: the payload's second return after a fault, and its messages. Position independent.
 */

	/* offsetof(struct pyi_payload_arguments, mark): payloads/entry.c asserts it */
	.set MARK, 8

	.text
	.globl pyi_payload_mark
	.hidden pyi_payload_mark
	.type pyi_payload_mark, %function
pyi_payload_mark:
	add x9, x0, #MARK
	mov x10, sp
	stp x30, x10, [x9, #0]
	stp x19, x20, [x9, #16]
	stp x21, x22, [x9, #32]
	stp x23, x24, [x9, #48]
	stp x25, x26, [x9, #64]
	stp x27, x28, [x9, #80]
	str x29, [x9, #96]
	stp d8, d9, [x9, #104]
	stp d10, d11, [x9, #120]
	stp d12, d13, [x9, #136]
	stp d14, d15, [x9, #152]
	mov x0, #0
	ret
	.size pyi_payload_mark, . - pyi_payload_mark

	.globl pyi_payload_recover
	.hidden pyi_payload_recover
	.type pyi_payload_recover, %function
pyi_payload_recover:
	add x9, x0, #MARK
	ldp x30, x10, [x9, #0]
	mov sp, x10
	ldp x19, x20, [x9, #16]
	ldp x21, x22, [x9, #32]
	ldp x23, x24, [x9, #48]
	ldp x25, x26, [x9, #64]
	ldp x27, x28, [x9, #80]
	ldr x29, [x9, #96]
	ldp d8, d9, [x9, #104]
	ldp d10, d11, [x9, #120]
	ldp d12, d13, [x9, #136]
	ldp d14, d15, [x9, #152]
	mov x0, #1
	ret
	.size pyi_payload_recover, . - pyi_payload_recover

	/* uint64_t pyi_payload_message(uint64_t number, uint64_t first, uint64_t second) */
	.globl pyi_payload_message
	.hidden pyi_payload_message
	.type pyi_payload_message, %function
pyi_payload_message:
	mov x8, x0
	mov x0, x1
	mov x1, x2
	svc #0
	ret
	.size pyi_payload_message, . - pyi_payload_message

	.section .note.GNU-stack, "", %progbits
