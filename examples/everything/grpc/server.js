import { createServer } from "node:http2"

// HTTP/2 without TLS, as a gRPC server speaks it.
createServer((_, response) => {
  response.end("hello by HTTP/2")
}).listen(process.env.PORT)
