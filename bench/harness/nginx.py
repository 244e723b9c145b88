"""nginx as a peer: how it is started for what it is to serve. Everything of its own is in the server's
directory; `$dir` and `$port` stand for that and for its port."""

import string

MAIN = """
daemon off;
master_process off;
pid $dir/pid;
error_log stderr crit;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
"""

HTTP = """
http {
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    %s
    server {
        listen 127.0.0.1:$port %s;
        %s
    }
}
"""

OK = r'location / { return 200 "ok\n"; }'

FILES = "location / { root $dir; dav_methods PUT; }"

TLS = rf"""
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        {OK}
        location /files/ {{ root $dir; }}
"""

UPSTREAM = """
    upstream backend {
        server unix:$dir/backend;
        keepalive 64;
        keepalive_requests 1000000000;
    }
"""

PROXY = """
        location / {
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
"""

STREAM = f"""
load_module $modules/ngx_stream_module.so;
{MAIN}
stream {{ server {{ listen 127.0.0.1:$port; proxy_pass 127.0.0.1:$target; }} }}
"""


def arguments(text, dir, **words):
    """Of a configuration that is written into the directory."""
    config = dir / "nginx.conf"
    config.write_text(string.Template(text).substitute(dir=dir, **words))
    return ["-c", config, "-p", dir]


def http(program, serves, listen="", beside=""):
    """The command of an HTTP server."""
    text = MAIN + HTTP % (beside, listen, serves)
    return lambda dir, port: [program, *arguments(text, dir, port=port)]
