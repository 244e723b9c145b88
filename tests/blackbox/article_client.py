"""A client as the article on sockets and ports has it: one send() a line of input, no line end, and
away after a line with the word `bye`. It reads nothing.

    article_client.py HOST PORT
"""

import socket
import sys

conversation = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
conversation.connect((sys.argv[1], int(sys.argv[2])))
words = []
while "bye" not in words:
    message = input("->")
    conversation.send(message.encode())
    words = message.split()
conversation.close()
