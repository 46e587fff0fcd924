/*
 * x86_64: the payload's second return after a fault, and its messages. Position independent.
 */

	/* offsetof(struct pyi_payload_arguments, mark): payloads/entry.c asserts it */
	.set MARK, 8

	.text
	.globl pyi_payload_mark
	.hidden pyi_payload_mark
	.type pyi_payload_mark, @function
pyi_payload_mark:
	mov (%rsp), %rax
	mov %rax, MARK(%rdi)
	lea 8(%rsp), %rax
	mov %rax, MARK+8(%rdi)
	mov %rbx, MARK+16(%rdi)
	mov %rbp, MARK+24(%rdi)
	mov %r12, MARK+32(%rdi)
	mov %r13, MARK+40(%rdi)
	mov %r14, MARK+48(%rdi)
	mov %r15, MARK+56(%rdi)
	xor %eax, %eax
	ret
	.size pyi_payload_mark, . - pyi_payload_mark

	.globl pyi_payload_recover
	.hidden pyi_payload_recover
	.type pyi_payload_recover, @function
pyi_payload_recover:
	cld
	mov MARK+8(%rdi), %rsp
	mov MARK+16(%rdi), %rbx
	mov MARK+24(%rdi), %rbp
	mov MARK+32(%rdi), %r12
	mov MARK+40(%rdi), %r13
	mov MARK+48(%rdi), %r14
	mov MARK+56(%rdi), %r15
	mov $1, %eax
	jmp *MARK(%rdi)
	.size pyi_payload_recover, . - pyi_payload_recover

	/* uint64_t pyi_payload_message(uint64_t number, uint64_t first, uint64_t second) */
	.globl pyi_payload_message
	.hidden pyi_payload_message
	.type pyi_payload_message, @function
pyi_payload_message:
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsi
	syscall
	ret
	.size pyi_payload_message, . - pyi_payload_message

	.section .note.GNU-stack, "", @progbits
