/** A task for a prober. Results arrive as `ProbeResult`, in the same order. */
export type Probe =
  /** Opens a connection, writes these bytes, and reads until the other end closes or `millis` have passed. */
  | {
      readonly type: "raw"
      readonly host: string
      readonly port: number
      readonly bytes: string
      readonly millis: number
    }
  /** One HTTP/2 request without TLS, with only these headers. */
  | {
      readonly type: "h2"
      readonly host: string
      readonly port: number
      readonly headers: Readonly<Record<string, string>>
      readonly millis: number
    }
  | { readonly type: "resolve"; readonly name: string }

export interface ProbeResult {
  /** The text read, as Latin-1, cut at 2,000 characters; for `resolve` the addresses. */
  readonly text: string
  /** `connected` once a connection was open. */
  readonly connected: boolean
  readonly error: string
}

/** In each answer of a prober, before the name from `PROBER`. */
export const mark = "x-prober: "

/**
 * A program for an image that only contains Node: `POST /probes` with an array of `Probe` runs them at once; everything else is
 * answered with its name.
 */
export const proberProgram = `
const http = require("node:http"), net = require("node:net"), http2 = require("node:http2"), dns = require("node:dns")
const me = process.env.PROBER
const limited = (millis, act) => new Promise((resolve) => {
  const result = { text: "", connected: false, error: "" }
  let end = () => {}
  const done = () => { clearTimeout(timer); end(); result.text = result.text.slice(0, 2000); resolve(result) }
  const timer = setTimeout(() => { result.error ||= "timeout"; done() }, millis)
  end = act(result, done) ?? end
})
const probe = {
  raw: (_) => limited(_.millis, (result, done) => {
    const socket = net.connect(_.port, _.host, () => { result.connected = true; socket.write(Buffer.from(_.bytes, "latin1")) })
    socket.on("data", (data) => { result.text += data.toString("latin1") })
    socket.on("error", (error) => { result.error = error.code ?? error.message; done() })
    socket.on("close", done)
    return () => socket.destroy()
  }),
  h2: (_) => limited(_.millis, (result, done) => {
    const session = http2.connect("http://" + _.host + ":" + _.port)
    const fail = (error) => { result.error = error.code ?? error.message; done() }
    session.on("error", fail)
    session.on("connect", () => { result.connected = true })
    try {
      const stream = session.request(_.headers, { endStream: true })
      stream.on("response", (headers) => { result.text += Object.entries(headers).map(([k, v]) => k + ": " + v).join("\\n") + "\\n" })
      stream.on("data", (data) => { result.text += data.toString("latin1") })
      stream.on("error", fail)
      stream.on("close", done)
    } catch (error) { fail(error) }
    return () => session.destroy()
  }),
  resolve: (_) => limited(3000, (result, done) => {
    dns.lookup(_.name, { all: true }, (error, found) => {
      if (error) result.error = error.code
      else result.text = found.map((one) => one.address).join(",")
      done()
    })
  })
}
process.on("uncaughtException", (error) => console.error(error))
http.createServer((request, response) => {
  response.setHeader("x-prober", me)
  if (request.url !== "/probes") return response.end("${mark}" + me + "\\n")
  let body = ""
  request.on("data", (data) => { body += data })
  request.on("end", async () => {
    const results = await Promise.all(JSON.parse(body).map((_) => probe[_.type](_)))
    response.end(JSON.stringify(results))
  })
}).listen(Number(process.env.PORT))
process.on("SIGTERM", () => process.exit(0))
`
