import { createServer } from "node:http"

createServer((_, response) => {
  response.end(`${process.env.GREETING ?? "hello"}\n`)
}).listen(process.env.PORT)
