/*
 * The payload, as bytes to be written into a snapshot; generated from payloads/ by the build.
 */
#ifndef PYI_HEAP_PAYLOAD_BLOB_H
#define PYI_HEAP_PAYLOAD_BLOB_H

#include <stddef.h>
#include <stdint.h>

/* Entered at its first byte with a struct pyi_payload_arguments * (pyinspect/payload.h). */
extern const uint8_t pyi_payload_blob[];
extern const size_t pyi_payload_blob_size;

#endif
