"""The formula of the original as a model server of its own (Open Inference Protocol v2). See README.md."""
import json, math, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Model(BaseHTTPRequestHandler):
    def do_POST(self):
        tensor = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"][0]
        rows = [tensor["data"][at:at + 4] for at in range(0, 4 * tensor["shape"][0], 4)]
        risks = [1 / (1 + math.exp(5 - 0.002 * age - 0.001 * bp - 0.03 * rr - 0.02 * sd)) for bp, rr, sd, age in rows]
        output = {"name": "p", "datatype": "FP64", "shape": [len(rows), 2], "data": [p for risk in risks for p in (1 - risk, risk)]}
        body = json.dumps({"outputs": [output]}).encode()
        self.send_response(200), self.send_header("content-length", len(body)), self.end_headers(), self.wfile.write(body)

    def log_message(self, *_): pass

server = HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9100), Model)
print(server.server_port, flush=True), server.serve_forever()
