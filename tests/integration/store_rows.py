"""The rows of a store as the tables hold them, read without the program.

docs/decisions/0017-store-bytes.md in Python: what is no column is in the body, which is compressed
with a dictionary of the store.
"""

import ctypes

MOST = 1 << 20

_zstd = ctypes.CDLL("libzstd.so.1")
for _name, _result, _arguments in (
    ("ZSTD_createDCtx", ctypes.c_void_p, []),
    ("ZSTD_isError", ctypes.c_uint, [ctypes.c_size_t]),
    ("ZSTD_decompress_usingDict", ctypes.c_size_t,
     [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
      ctypes.c_char_p, ctypes.c_size_t]),
):
    getattr(_zstd, _name).restype = _result
    getattr(_zstd, _name).argtypes = _arguments
_context = _zstd.ZSTD_createDCtx()


class Fields:
    """The fields of a body, in order."""

    def __init__(self, data):
        self.data = data

    def take(self, size):
        if size > len(self.data):
            raise ValueError("the body is cut")
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def integer(self):
        value = shift = 0
        while True:
            byte, = self.take(1)
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)

    def blob(self):
        return self.take(self.integer())

    def text(self):
        return self.blob().decode()

    def hexadecimal(self):
        form = self.integer()
        data = self.blob()
        return {0: data.decode, 1: data.hex().upper, 2: data.hex}[form]()

    def id(self):
        if self.integer() == 0:
            return self.text()
        value = int.from_bytes(self.take(16), "big")
        return "".join("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[value >> shift & 31]
                       for shift in range(125, -1, -5))


def unpack(db, body):
    fields = Fields(body)
    number = fields.integer()
    if number == 0:
        return fields.data
    dictionary, = db.execute("SELECT bytes FROM dictionaries WHERE id = ?", (number,)).fetchone()
    frame = b"\x28\xb5\x2f\xfd" + fields.data
    out = ctypes.create_string_buffer(MOST)
    size = _zstd.ZSTD_decompress_usingDict(_context, out, MOST, frame, len(frame), dictionary,
                                           len(dictionary))
    if _zstd.ZSTD_isError(size):
        raise ValueError("the body is damaged")
    return out.raw[:size]


def certificates(db):
    """[(serial, certname, DER, revoked_at, request id)]"""
    rows = []
    for serial, certname, revoked_at, body in db.execute(
            "SELECT serial, certname, revoked_at, body FROM certificates ORDER BY id"):
        fields = Fields(unpack(db, body))
        fields.integer()
        fields.integer()
        fields.integer()
        request = fields.id()
        rows.append((serial, certname, fields.blob(), revoked_at, request))
    return rows


def audit(db):
    """[(sequence, at, action, actor, source, subject, serial, detail, request_id, hash)]"""
    rows = []
    for row in db.execute("SELECT sequence, at, action, actor, source, subject, serial, detail, "
                          "request_id, hash, body FROM audit ORDER BY sequence").fetchall():
        *row, body = row
        if body is not None:
            fields = Fields(unpack(db, body))
            assert fields.integer() == 1
            actor, source = fields.text(), fields.text()
            request_id, serial = fields.hexadecimal(), fields.hexadecimal()
            subject, detail = fields.text(), fields.text()
            # A column that somebody wrote by hand stands.
            row[3:9] = [column or text for column, text in
                        zip(row[3:9], (actor, source, subject, serial, detail, request_id))]
        rows.append(tuple(row))
    return rows
