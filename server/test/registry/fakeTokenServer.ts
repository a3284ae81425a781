import { execFile } from "node:child_process"
import { createSign, X509Certificate } from "node:crypto"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer, type IncomingMessage } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { type TokenAuth, testUser } from "./testRegistry.ts"

const run = promisify(execFile)
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url")

export interface FakeTokenServer {
  readonly auth: TokenAuth
  /** Every request for a token: who asked (`anyone` without credentials) for what. */
  readonly asked: ReadonlyArray<{ readonly user: string; readonly scope: string }>
  /** A token that may push, for tests that fill the registry. */
  readonly pushToken: (repository: string) => string
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

const userOf = (request: IncomingMessage): string | undefined => {
  const [, encoded] = /^Basic (.+)$/.exec(request.headers.authorization ?? "") ?? []
  if (encoded === undefined) return "anyone"
  const [username, password] = Buffer.from(encoded, "base64").toString("utf8").split(":")
  return username === testUser.username && password === testUser.password ? username : undefined
}

/**
 * A fake of public registries' token servers: real tokens, which a real registry checks, but with two simple rules: everyone may
 * pull `public/…`, `testUser` may pull everything.
 */
export const startFakeTokenServer = async (): Promise<FakeTokenServer> => {
  const folder = await mkdtemp(join(tmpdir(), "tokens-"))
  const [keyFile, certificateFile] = [join(folder, "key.pem"), join(folder, "certificate.pem")]
  const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test tokens"]
  await run("openssl", [...made, "-keyout", keyFile, "-out", certificateFile])
  const key = await readFile(keyFile, "utf8")
  const certificate = new X509Certificate(await readFile(certificateFile)).raw.toString("base64")
  const [service, issuer] = ["test registry", "test tokens"]

  const token = (access: ReadonlyArray<unknown>) => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: issuer, sub: "", aud: service, exp: now + 300, nbf: now - 10, iat: now, jti: "1", access }
    const signed = `${base64url({ alg: "RS256", typ: "JWT", x5c: [certificate] })}.${base64url(claims)}`
    return `${signed}.${createSign("sha256").update(signed).sign(key, "base64url")}`
  }

  const asked: Array<{ readonly user: string; readonly scope: string }> = []
  const server = createServer((request, response) => {
    const scope = new URL(request.url ?? "/", "http://localhost").searchParams.get("scope") ?? ""
    const user = userOf(request)
    const [, name = ""] = scope.split(":")
    asked.push({ user: user ?? "a stranger", scope })
    if (user === undefined) {
      response.writeHead(401).end("{}")
      return
    }
    const allowed = user === testUser.username || name.startsWith("public/")
    const access = allowed ? [{ type: "repository", name, actions: ["pull"] }] : []
    response.end(JSON.stringify({ token: token(access), expires_in: 300 }))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the token server doesn't listen on a port")
  return {
    auth: { realm: `http://127.0.0.1:${address.port}/token`, service, issuer, rootcertbundle: certificateFile },
    asked,
    pushToken: (name) => token([{ type: "repository", name, actions: ["pull", "push"] }]),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    }
  }
}
