import { createServer } from "node:http"

// Orders stay in memory, which is enough for an example.
const orders = []

createServer(async (request, response) => {
  if (request.url !== "/orders") return response.writeHead(404).end()
  if (request.method === "POST") {
    let body = ""
    for await (const chunk of request) body += chunk
    orders.push(JSON.parse(body))
    return response.writeHead(201).end()
  }
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(orders))
}).listen(process.env.PORT)
