import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { SMTPServer } from "smtp-server"

export interface Taken {
  readonly from: string
  readonly to: ReadonlyArray<string>
  readonly raw: string
  readonly secure: boolean
  readonly user: string | undefined
}

export interface SinkOptions {
  readonly tls?: "starttls" | "implicit" | "none"
  /** Only this user and password may send. */
  readonly login?: { readonly user: string; readonly password: string }
  /** The answer for a recipient: a status, or undefined to accept the mail. `nth` counts from 1. */
  readonly refuse?: (nth: number) => number | undefined
}

/** A self-signed certificate for loopback, with its key. */
export const makeCertificate = () => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-certificate-"))
  try {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")]
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"].concat(
        ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        ["-keyout", key, "-out", cert]
      ),
      { stdio: "ignore" }
    )
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const refusal = (status: number, address: string) =>
  Object.assign(new Error(`5.1.1 <${address}>: no such user`), { responseCode: status })

/** A mail server on a free loopback port that stores what it receives. */
export const smtpSink = (certificate: ReturnType<typeof makeCertificate>, options: SinkOptions = {}) =>
  Effect.gen(function* () {
    const taken: Array<Taken> = []
    let recipients = 0
    const { login, tls = "none" } = options
    const server = new SMTPServer({
      ...certificate,
      secure: tls === "implicit",
      disabledCommands: [...(tls === "starttls" ? [] : ["STARTTLS"]), ...(login === undefined ? ["AUTH"] : [])],
      authOptional: login === undefined,
      onAuth: (given, _, done) =>
        given.username === login?.user && given.password === login?.password
          ? done(null, { user: given.username })
          : done(Object.assign(new Error("authentication failed"), { responseCode: 535 })),
      onRcptTo: ({ address }, _, done) => {
        const status = options.refuse?.(++recipients)
        done(status === undefined ? null : refusal(status, address))
      },
      onData: (stream, session, done) => {
        const chunks: Array<Buffer> = []
        stream.on("data", (chunk: Buffer) => chunks.push(chunk))
        stream.on("end", () => {
          const { mailFrom, rcptTo } = session.envelope
          taken.push({
            from: mailFrom === false ? "" : mailFrom.address,
            to: rcptTo.map((each) => each.address),
            raw: Buffer.concat(chunks).toString("utf8"),
            secure: session.secure,
            user: typeof session.user === "string" ? session.user : undefined
          })
          done()
        })
      }
    })
    server.on("error", () => {})
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.async<void>((resume) => void server.close(() => resume(Effect.void)))
    )
    const address = server.server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    return { port, taken }
  })
