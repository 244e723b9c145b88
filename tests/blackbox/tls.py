"""Certificates made for a test, and the other end of TLS in the test's own hands."""

import base64
import hashlib
import ssl
import subprocess

from peer import Peer

CONFIGURATION = """
[ca]
default_ca = own
[own]
database = {directory}/index.txt
serial = {directory}/serial
new_certs_dir = {directory}
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
RSA = ["-newkey", "rsa:2048", "-nodes"]
AUTHORITY = ["-addext", "basicConstraints=critical,CA:TRUE"]
NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"


def openssl(*words, **options):
    subprocess.run(["openssl", *words], check=True, capture_output=True, **options)


class Authority:
    """Signs certificates; all files are PEM in a directory of its own."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.path, self.key = directory / "ca.pem", directory / "ca.key"
        self.configuration = directory / "ca.conf"
        self.configuration.write_text(CONFIGURATION.format(directory=directory))
        (directory / "index.txt").touch()
        (directory / "serial").write_text("01\n")
        files = ["-keyout", self.key, "-out", self.path, "-days", "2"]
        openssl("req", "-x509", *EC, *files, "-subj", "/CN=an authority", *AUTHORITY)

    def sign(self, name, key, request, start, end):
        path = self.directory / f"{name}.pem"
        openssl(
            *["ca", "-batch", "-notext", "-config", self.configuration, "-cert", self.path],
            *["-keyfile", self.key, "-in", request, "-out", path],
            *["-startdate", start, "-enddate", end],
        )
        return path

    def issue(self, name, names=NAMES, kind=EC, start="20200101000000Z", end="21000101000000Z"):
        """The paths of a certificate and its key."""
        key, request = self.directory / f"{name}.key", self.directory / f"{name}.csr"
        subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={names}"]
        openssl("req", *kind, "-keyout", key, "-out", request, *subject)
        return self.sign(name, key, request, start, end), key

    def issue_expired(self, name="expired"):
        return self.issue(name, end="20200201000000Z")

    def issue_chain(self, name="chained"):
        """One that an authority in between has signed, which stands behind it in the file."""
        between = Authority(self.directory / "between")
        request = self.directory / "between.csr"
        subject = ["-subj", "/CN=an authority in between"]
        openssl("req", "-new", "-key", between.key, "-out", request, *subject, *AUTHORITY)
        between.path = self.sign("between", between.key, request, "20200101000000Z", "21000101000000Z")
        path, key = between.issue(name)
        chain = self.directory / f"{name}-chain.pem"
        chain.write_text(path.read_text() + between.path.read_text())
        return chain, key

    def context(self, **attributes):
        """How a client sees it that trusts this authority and no other."""
        context = ssl.create_default_context(cafile=self.path)
        for name, value in attributes.items():
            setattr(context, name, value)
        return context


def plain(address):
    """The address of the socket under TLS."""
    return address.partition("?")[0].replace("tls+", "").replace("tls:", "tcp:")


def client_hello():
    """All that a client says before it hears anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    said = ssl.MemoryBIO()
    session = context.wrap_bio(ssl.MemoryBIO(), said, server_hostname="localhost")
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return said.read()


class TlsPeer(Peer):
    """A Peer that speaks TLS."""

    def __init__(self, address, context, server="localhost", session=None, **options):
        super().__init__(plain(address), **options)
        self.socket = context.wrap_socket(self.socket, server_hostname=server, session=session)


def pinned(path):
    """The pin of a certificate, as ferry writes it."""
    command = f"openssl x509 -in {path} -noout -pubkey | openssl pkey -pubin -outform DER"
    key = hashlib.sha256(subprocess.check_output(command, shell=True)).digest()
    return "sha256:" + base64.urlsafe_b64encode(key).decode().rstrip("=")
