import { createServer } from "node:http2"

// HTTP/2 without TLS, like a gRPC server.
createServer((_, response) => {
  response.end("hello by HTTP/2")
}).listen(process.env.PORT)
