import { createServer } from "node:http"

const server = createServer((_request, response) => {
  response.setHeader("content-type", "text/plain; charset=utf-8")
  response.end(`Hello ${process.env.TARGET ?? "world"} from ${process.env.K_REVISION}\n`)
})
server.listen(Number(process.env.PORT), () => console.log(`hello listens on ${process.env.PORT}`))
process.on("SIGTERM", () => server.close())
