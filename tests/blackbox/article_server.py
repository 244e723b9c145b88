"""A server as the article on sockets and ports has it, on a port of its own that it prints: it takes
one client and prints what each recv() gives. When the client has left it ends, which the article's
does not.
"""

import socket

listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listening.bind(("localhost", 0))
listening.listen(1)
print(listening.getsockname()[1], flush=True)
conversation, address = listening.accept()
print("Accepted connection from: " + str(address), flush=True)
while data := conversation.recv(1024).decode():
    print("This is what the client sent: " + data, flush=True)
conversation.close()
