import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { BlockList } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { OperationName, Role } from "@maxcloud/sdk/api"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { makeServer } from "../../src/assembly/Server.ts"
import { readSettings, ServerConfig, type ServerSettings } from "../../src/base/settings/ServerConfig.ts"
import { withMadeDatabase } from "../database/madeDatabase.ts"

interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
  /** The body, if it is JSON. */
  readonly body: Record<string, unknown>
  /** The answer, if it is a list. */
  readonly items: ReadonlyArray<Record<string, unknown>>
}

interface RequestOptions {
  readonly token?: string | undefined
  readonly body?: unknown
  /** An address other than loopback for the request to come from. */
  readonly address?: string | undefined
}

/** An organization with a member of each role. */
export interface TestOrganization {
  readonly name: string
  readonly sessions: Readonly<Record<Role, string>>
  /** Texts that appear only in its data. */
  readonly canaries: ReadonlyArray<string>
  /** Existing objects, for the `:names` of an operation's path. */
  readonly values: (operation: OperationName) => Readonly<Record<string, string>>
}

export interface AccountServer {
  readonly url: string
  readonly request: (method: string, path: string, options?: RequestOptions) => Promise<Answer>
  readonly acme: TestOrganization
  readonly rival: TestOrganization
  /** Everything the owner sees of an organization, except what changes with time and reading. */
  readonly everythingOf: (organization: TestOrganization) => Promise<unknown>
  readonly stop: () => Promise<void>
}

const textOf = (value: unknown): string => {
  if (typeof value !== "string") throw new Error(`not a string: ${JSON.stringify(value)}`)
  return value
}
const objectOf = (value: unknown): Record<string, unknown> => {
  if (typeof value !== "object" || value === null) throw new Error(`not an object: ${JSON.stringify(value)}`)
  return { ...value }
}

const loopback = new BlockList()
loopback.addAddress("127.0.0.1")

/** A server that requires credentials, in this process, whose mail goes to its log; with requests over HTTP. */
export const startServer = async (changes: Partial<ServerSettings> = {}) => {
  const dataDir = withMadeDatabase(mkdtempSync(join(tmpdir(), "maxcloud-accounts-")))
  const scope = Effect.runSync(Scope.make())
  let log = ""
  const capture = Logger.replace(
    Logger.defaultLogger,
    Logger.map(Logger.stringLogger, (line) => {
      log += `${line}\n`
    })
  )
  const server = await Effect.gen(function* () {
    const settings = yield* readSettings({
      host: "127.0.0.1",
      port: 0,
      dataDir,
      runtime: "local",
      auth: "required",
      registration: "open",
      mail: "log",
      trustedProxies: loopback,
      registryProgram: "off",
      ...changes
    })
    return yield* makeServer().pipe(
      Scope.extend(scope),
      Effect.provide(Layer.merge(Layer.succeed(ServerConfig, settings), capture))
    )
  }).pipe(Effect.runPromise)

  const request = async (
    method: string,
    path: string,
    { address, body, token }: RequestOptions = {}
  ): Promise<Answer> => {
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(address === undefined ? {} : { "x-forwarded-for": address }),
        ...(body === undefined ? {} : { "content-type": "application/json" })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    const isJson = /json/.test(response.headers.get("content-type") ?? "")
    const parsed: unknown = isJson && text.startsWith("{") ? first(text) : {}
    const items: unknown = isJson && text.startsWith("[") ? JSON.parse(text) : []
    return {
      status: response.status,
      text,
      headers: response.headers,
      body: objectOf(parsed),
      items: Array.isArray(items) ? items.map(objectOf) : []
    }
  }
  /** Waits until the log matches `pattern`, and returns and removes the match. */
  const fromLog = async (pattern: RegExp): Promise<string> => {
    for (let tries = 0; tries < 200; tries++) {
      const found = pattern.exec(log)
      if (found !== null) {
        log = log.slice(found.index + found[0].length)
        return found[1] ?? found[0]
      }
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    throw new Error(`the log doesn't match ${pattern}:\n${log.slice(-2000)}`)
  }
  const stop = async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    rmSync(dataDir, { recursive: true, force: true })
  }
  return { ...server, dataDir, request, fromLog, stop }
}

/** The first of lines of JSON. */
const first = (text: string): unknown => JSON.parse(text.split("\n").length > 2 ? (text.split("\n")[0] ?? "{}") : text)

/** A registry that is unreachable at first, so that a deployment is accepted, and then has no image, so that it fails at once. */
const startEmptyRegistry = async () => {
  let status = 503
  const server = createServer((_request, response) => response.writeHead(status).end()).listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  const comeBack = () => {
    status = 404
  }
  return { host: `127.0.0.1:${address.port}`, comeBack, close: () => server.close() }
}

/** Two organizations with members of every role; the first has one of everything. */
export const startAccountServer = async (): Promise<AccountServer> => {
  const registry = await startEmptyRegistry()
  const server = await startServer({
    requestsPerMinute: 100_000,
    insecureRegistries: [registry.host],
    // Nobody is asked whether the tests' credentials are valid.
    unresolvedRegistries: ["canary.example"]
  })
  const { fromLog, request, url } = server
  const stop = async () => {
    await server.stop()
    registry.close()
  }
  const must = async (status: number, method: string, path: string, options: RequestOptions) => {
    const answer = await request(method, path, options)
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer.body
  }

  const organization = async (name: string) => {
    const registered = await must(201, "POST", "/api/v1/auth/register", {
      body: { email: `owner@${name}.test`, organization: name }
    })
    const owner = textOf(registered["token"])
    const join = async (role: Role) => {
      await must(201, "POST", "/api/v1/auth/invites", { token: owner, body: { email: `${role}@${name}.test`, role } })
      const token = await fromLog(/accept-invite\?token=([\w-]+)/)
      return textOf((await must(201, "POST", "/api/v1/auth/accept-invite", { body: { token } }))["token"])
    }
    return {
      owner,
      admin: await join("admin"),
      deployer: await join("deployer"),
      viewer: await join("viewer"),
      billing: await join("billing")
    }
  }
  const sessions = { acme: await organization("acme"), rival: await organization("rival") }

  const token = sessions.acme.owner
  const stage = "/api/v1/apps/canary-app/stages/canary-stage"
  await must(200, "PUT", `${stage}/secrets/CANARY_SECRET`, { token, body: { value: "canary-value" } })
  const deployment = await must(202, "POST", `${stage}/deployments`, {
    token,
    body: {
      spec: {
        apiVersion: "maxcloud.dev/v1",
        app: "canary-app",
        services: [
          {
            name: "canary-service",
            image: `${registry.host}/app:1`,
            env: { KEY: { secret: "CANARY_SECRET" }, OTHER: "canary-environment" }
          }
        ]
      }
    }
  })
  registry.comeBack()
  // Until it has failed because of the missing image: after that nothing about it changes.
  await request("GET", `/api/v1/deployments/${textOf(deployment["id"])}/events`, { token })
  const [service] = await listOf("/api/v1/services")
  const key = objectOf(
    (await must(201, "POST", "/api/v1/auth/api-keys", { token, body: { name: "canary-key" } }))["apiKey"]
  )
  const invite = await must(201, "POST", "/api/v1/auth/invites", {
    token,
    body: { email: "canary-invite@acme.test", role: "viewer" }
  })
  await must(200, "PUT", "/api/v1/registries/canary.example", {
    token,
    body: { username: "canary-user", password: "canary-password" }
  })
  const [member] = await listOf("/api/v1/organization/members")

  async function listOf(path: string, by = token) {
    const { items, status, text } = await request("GET", path, { token: by })
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`)
    return items
  }
  const ids = (operation: OperationName) =>
    operation.startsWith("services.")
      ? service?.["id"]
      : operation.startsWith("deployments.")
        ? deployment["id"]
        : operation.includes("Invite")
          ? invite["id"]
          : operation.includes("ApiKey")
            ? key["id"]
            : `${operation.startsWith("erasures.") ? "era" : "oidc"}_${"0".repeat(32)}`

  const acme: TestOrganization = {
    name: "acme",
    sessions: sessions.acme,
    canaries: ["acme.test", "canary-key", "canary-user", "canary-environment", "canary-service", "canary-invite"],
    values: (operation) => ({
      app: "canary-app",
      stage: "canary-stage",
      name: "CANARY_SECRET",
      host: "canary.example",
      userId: textOf(member?.["userId"]),
      digest: `sha256:${"0".repeat(64)}`,
      id: textOf(ids(operation))
    })
  }
  const rival: TestOrganization = { name: "rival", sessions: sessions.rival, canaries: [], values: () => ({}) }

  const everythingOf = async ({ sessions: { owner } }: TestOrganization) => ({
    services: (await listOf("/api/v1/services", owner)).map((value) => [value["id"], value["name"]]),
    apps: await listOf("/api/v1/apps", owner),
    secrets: await listOf(`${stage}/secrets`, owner),
    keys: (await listOf("/api/v1/auth/api-keys", owner)).map((value) => [value["id"], value["expiresAt"]]),
    // Accepted invitations go with their people, who delete their own accounts.
    invites: (await listOf("/api/v1/auth/invites", owner)).filter((value) => value["state"] === "open"),
    registries: await listOf("/api/v1/registries", owner),
    members: (await listOf("/api/v1/organization/members", owner)).filter((value) => value["role"] === "owner"),
    organization: (await must(200, "GET", "/api/v1/organization", { token: owner }))["deleteAfter"]
  })

  return { url, request, acme, rival, everythingOf, stop }
}
