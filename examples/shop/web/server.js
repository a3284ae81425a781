import { createServer } from "node:http"

const escape = (text) => String(text).replace(/[&<>"]/g, (_) => `&#${_.charCodeAt(0)};`)

const server = createServer(async (_request, response) => {
  response.setHeader("content-type", "text/html; charset=utf-8")
  try {
    const { currency, products } = await (await fetch(`${process.env.API_URL}/products`)).json()
    const rows = products.map((_) => `<li>${escape(_.name)}: ${(_.cents / 100).toFixed(2)} ${escape(currency)}</li>`)
    response.end(`<!doctype html><title>Shop</title><h1>Shop</h1><ul>${rows.join("")}</ul>\n`)
  } catch (error) {
    response.statusCode = 502
    response.end(`<!doctype html><title>Shop</title><p>The API doesn't respond: ${escape(error.message)}</p>\n`)
  }
})
server.listen(Number(process.env.PORT), () => console.log(`web listens on ${process.env.PORT}`))
process.on("SIGTERM", () => server.close())
