# SPDX-License-Identifier: Apache-2.0
"""Every field of every request of a contract, found by its descriptors, and ways to fill one with what must not be."""
from google.protobuf.descriptor import FieldDescriptor

VARINT, BYTES = 0, 2


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def walk(descriptor, path=()):
    """Paths (tuples of fields) to everything that is no message; a map leads through its entry."""
    for field in descriptor.fields:
        if field.message_type is None:
            yield (*path, field)
        else:
            yield from walk(field.message_type, (*path, field))


def maps(descriptor, path=()):
    """Paths to maps."""
    for field in descriptor.fields:
        if field.message_type is not None:
            if is_map(field):
                yield (*path, field)
            else:
                yield from maps(field.message_type, (*path, field))


def is_string(path):
    return path[-1].type == FieldDescriptor.TYPE_STRING


def is_enum(path):
    return path[-1].type == FieldDescriptor.TYPE_ENUM


def name(path):
    """As a refusal names it, with the first element of whatever is repeated."""
    return ".".join(field.name + ("[0]" if field.label == FieldDescriptor.LABEL_REPEATED else "") for field in path)


def varint(number):
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*content, number])


def piece(field, content):
    """One field on the wire: bytes, or a number."""
    if isinstance(content, int):
        return varint(field.number << 3 | VARINT) + varint(content)
    return varint(field.number << 3 | BYTES) + varint(len(content)) + content


def wire(path, *contents):
    """A message with nothing in it but the field at the end of the path, once for each content."""
    inner = b"".join(piece(path[-1], content) for content in contents)
    for field in reversed(path[:-1]):
        inner = piece(field, inner)
    return inner


def spoil(message, path, ending):
    """Append `ending` to the string at the end of the path (to "x" when it is empty)."""
    for index, field in enumerate(path[:-1]):
        if is_map(field):
            entries = getattr(message, field.name)
            key, value = next(iter(entries.items()), ("location", "USA"))
            entries.clear()
            if path[index + 1].name == "key":
                entries[key + ending] = value
            else:
                entries[key] = value + ending
            return
        message = getattr(message, field.name)
        if field.label == FieldDescriptor.LABEL_REPEATED:
            message = message[0] if message else message.add()
    field = path[-1]
    if field.label == FieldDescriptor.LABEL_REPEATED:
        values = getattr(message, field.name)
        values[:] = [(values[0] if values else "x") + ending]
    else:
        setattr(message, field.name, (getattr(message, field.name) or "x") + ending)
