import { createServer } from "node:http"

createServer((_, response) => {
  response.end("one euro")
}).listen(process.env.PORT)
