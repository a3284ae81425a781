import { createServer } from "node:http"

const { GRPC_HOST, GREETING, MODE, RATE, BILLING_URL } = process.env

createServer(async (request, response) => {
  if (request.url === "/healthz") return response.end("ok")
  if (request.url === "/bill") return response.end(await (await fetch(BILLING_URL)).text())
  response.writeHead(200, { "content-type": "application/json" })
  response.end(JSON.stringify({ GRPC_HOST, GREETING, MODE, RATE, args: process.argv.slice(2) }))
}).listen(process.env.PORT)
