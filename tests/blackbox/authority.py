"""Certificates of an authority of our own, made with openssl."""

import subprocess

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*words, cwd):
    result = subprocess.run(["openssl", *words], cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


class Authority:
    """`ca` is its certificate; `issue` makes another one with its key in the same file."""

    def __init__(self, place):
        self.place = place
        self.ca = place / "ca.pem"
        files = ["-keyout", "ca.key", "-out", "ca.pem"]
        openssl("req", "-x509", *NEW_KEY, *files, "-subj", "/CN=test authority", cwd=place)

    def issue(self, name, names, days=2):
        request = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"]
        openssl("req", *NEW_KEY, *request, "-addext", f"subjectAltName={names}", cwd=self.place)
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-copy_extensions", "copy"]
        files = ["-in", f"{name}.csr", "-out", f"{name}.crt", "-days", str(days)]
        openssl("x509", "-req", *signed, *files, cwd=self.place)
        path = self.place / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_text("".join((self.place / (name + e)).read_text() for e in (".crt", ".key")))
        return path
