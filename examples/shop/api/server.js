import { createServer } from "node:http"

const products = [
  { id: 1, name: "Lebkuchen", cents: 499 },
  { id: 2, name: "Spekulatius", cents: 349 }
]

const server = createServer((request, response) => {
  console.log(`${request.method} ${request.url}`)
  response.setHeader("content-type", "application/json")
  if (request.url === "/healthz") return response.end(JSON.stringify({ status: "ok" }))
  response.end(JSON.stringify({ currency: process.env.CURRENCY, products }))
})
server.listen(Number(process.env.PORT), () => console.log(`api listens on ${process.env.PORT}`))
process.on("SIGTERM", () => server.close())
