"""Makes the reference of the gRPC interface: a page of Markdown for each package of proto/, from its descriptors and comments."""

import itertools
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc_tools
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

# Places of things within a descriptor, as descriptor.proto numbers them.
_PACKAGE, _MESSAGES, _ENUMS, _SERVICES = 2, 4, 5, 6
_FIELDS, _NESTED_MESSAGES, _NESTED_ENUMS = 2, 3, 4
_CHILDREN = 2  # the values of an enum, and the RPCs of a service

Place = tuple[int, ...]
Comments = Mapping[Place, str]


def descriptors(proto: Path) -> FileDescriptorSet:
    """What protoc reads below the folder `proto`, with comments. Raises SystemExit where it cannot."""
    sources = sorted(str(path.relative_to(proto)) for path in proto.glob("assay/**/*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "descriptors.bin"
        options = ["--include_source_info", f"--descriptor_set_out={output}"]
        status = protoc.main(["protoc", f"-I{proto}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}", *options, *sources])
        if status != 0:
            raise SystemExit(status)
        return FileDescriptorSet.FromString(output.read_bytes())


def page_name(package: str) -> str:
    """Where a package stands: assay.collector.v1 is in collector-v1.md."""
    return package.removeprefix("assay.").replace(".", "-") + ".md"


def pages(files: FileDescriptorSet) -> dict[str, str]:
    """A page by its name for each package: services with their RPCs first, then messages and enums."""
    packages = sorted({file.package for file in files.file})
    return {page_name(package): _page(package, [file for file in files.file if file.package == package]) for package in packages}


def _page(package: str, files: list[FileDescriptorProto]) -> str:
    commented = [(file, _comments(file)) for file in files]
    opening = [comments[_PACKAGE,] for _, comments in commented if (_PACKAGE,) in comments]
    services = [
        part for file, comments in commented for at, one in enumerate(file.service) for part in _service(one, at, comments, package)
    ]
    types = [part for file, comments in commented for part in _types(file, comments)]
    heading = ["## Messages"] if types else []
    return "\n\n".join([f"# {package}", *map(escaped, opening), *services, *heading, *types]) + "\n"


def _comments(file: FileDescriptorProto) -> Comments:
    """The comment before each thing, by its place. Paragraphs stay apart, lines of one are joined."""
    told = {}
    for location in file.source_code_info.location:
        paragraphs = re.split(r"\n\s*\n", location.leading_comments.strip())
        told[tuple(location.path)] = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return {place: text for place, text in told.items() if text}


def _service(service: ServiceDescriptorProto, at: int, comments: Comments, package: str) -> Iterator[str]:
    yield f"## {service.name} {{ #{service.name} }}"
    yield escaped(comments.get((_SERVICES, at), ""))
    for index, rpc in enumerate(service.method):
        asked = ("stream of " if rpc.client_streaming else "") + _type_link(rpc.input_type, package)
        answered = ("stream of " if rpc.server_streaming else "") + _type_link(rpc.output_type, package)
        yield f"### {rpc.name} {{ #{service.name}.{rpc.name} }}"
        yield f"{asked} → {answered}"
        yield escaped(comments.get((_SERVICES, at, _CHILDREN, index), ""))


def _types(file: FileDescriptorProto, comments: Comments) -> Iterator[str]:
    for at, message in enumerate(file.message_type):
        yield from _message(message, "", (_MESSAGES, at), comments, file.package)
    for at, enum in enumerate(file.enum_type):
        yield from _enum(enum, "", (_ENUMS, at), comments)


def _message(message: DescriptorProto, within: str, place: Place, comments: Comments, package: str) -> Iterator[str]:
    name = f"{within}{message.name}"
    entries = {f".{package}.{name}.{nested.name}": nested for nested in message.nested_type if nested.options.map_entry}
    yield f"### {name} {{ #{name} }}"
    yield escaped(comments.get(place, ""))
    rows = [
        f"| {field.number} | `{field.name}` | {_field_type(field, message, entries, package)} | {cell(told)} |"
        for field, told in zip(message.field, _told(comments, (*place, _FIELDS)), strict=False)
    ]
    if rows:
        yield "\n".join(["| no. | field | type | meaning |", "|---|---|---|---|", *rows])
    for at, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from _message(nested, f"{name}.", (*place, _NESTED_MESSAGES, at), comments, package)
    for at, enum in enumerate(message.enum_type):
        yield from _enum(enum, f"{name}.", (*place, _NESTED_ENUMS, at), comments)


def _enum(enum: EnumDescriptorProto, within: str, place: Place, comments: Comments) -> Iterator[str]:
    name = f"{within}{enum.name}"
    yield f"### {name} {{ #{name} }}"
    yield escaped(comments.get(place, ""))
    rows = [
        f"| {value.number} | `{value.name}` | {cell(comments.get((*place, _CHILDREN, at), ''))} |" for at, value in enumerate(enum.value)
    ]
    yield "\n".join(["| no. | value | meaning |", "|---|---|---|", *rows])


def _told(comments: Comments, place: Place) -> Iterator[str]:
    """The comments of all children of a place, one after the other, without end."""
    return (comments.get((*place, at), "") for at in itertools.count())


def _field_type(field: FieldDescriptorProto, message: DescriptorProto, entries: Mapping[str, DescriptorProto], package: str) -> str:
    if field.type_name in entries:
        key, value = entries[field.type_name].field
        return f"map of {_plain_type(key, package)} to {_plain_type(value, package)}"
    named = _plain_type(field, package)
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {named}"
    if field.proto3_optional:
        return f"optional {named}"
    return f"{named}, one of `{message.oneof_decl[field.oneof_index].name}`" if field.HasField("oneof_index") else named


def _plain_type(field: FieldDescriptorProto, package: str) -> str:
    if field.type_name:
        return _type_link(field.type_name, package)
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _type_link(full_name: str, package: str) -> str:
    """A link to a type of ours, on this page or another; types of others by their name."""
    match = re.fullmatch(r"\.(assay\.[a-z_]+\.v\d+)\.(.+)", full_name)
    if match is None:
        return f"`{full_name.removeprefix('.')}`"
    home, name = match.groups()
    return f"[{name}]({'' if home == package else page_name(home)}#{name})"


def escaped(text: str) -> str:
    """Text whose angle brackets are shown and not read as HTML, except in code, where Markdown sees to it."""
    parts = text.split("`")
    return "`".join(part if at % 2 else part.replace("<", "&lt;") for at, part in enumerate(parts))


def cell(text: str) -> str:
    """Text that fits a cell of a table."""
    return " ".join(escaped(text).replace("|", "\\|").split())
