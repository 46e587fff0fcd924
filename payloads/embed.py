#!/usr/bin/env python3
"""Writes a payload as the C array of src/heap/payload_blob.h."""
import sys


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        blob = file.read()
    rows = [blob[i:i + 12] for i in range(0, len(blob), 12)]
    with open(target, "w", encoding="ascii") as file:
        file.write('#include "heap/payload_blob.h"\n\n')
        file.write("const uint8_t pyi_payload_blob[] = {\n")
        for row in rows:
            file.write("\t" + " ".join(f"0x{byte:02x}," for byte in row) + "\n")
        file.write("};\n\nconst size_t pyi_payload_blob_size = sizeof(pyi_payload_blob);\n")


if __name__ == "__main__":
    main()
