/** An organization of the fuzzed server. */
export interface Organization {
  readonly token: string
  /** Texts that occur only in its data, and in no path. */
  readonly canaries: ReadonlyArray<string>
}

type Json = Readonly<Record<string, unknown>>

const objectOf = (value: unknown): Json => {
  if (typeof value !== "object" || value === null) throw new Error(`not an object: ${JSON.stringify(value)}`)
  return { ...value }
}
const listOf = (value: unknown) => (Array.isArray(value) ? value.map(objectOf) : [])
const textOf = (value: unknown) => {
  if (typeof value !== "string") throw new Error(`not a string: ${JSON.stringify(value)}`)
  return value
}

/** Sends a request that must succeed, and returns the response body. */
const must = async (url: string, method: string, path: string, token?: string, body?: unknown): Promise<string> => {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" })
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text
}

export const register = async (url: string, name: string): Promise<Organization> => {
  const body = { email: `owner@${name}.test`, organization: name }
  const answer: unknown = JSON.parse(await must(url, "POST", "/api/v1/auth/register", undefined, body))
  return { token: textOf(objectOf(answer)["token"]), canaries: [`${name}.test`] }
}

const stage = "/api/v1/apps/canary-app/stages/canary-stage"

/** Creates one object of every kind in an organization, and returns their values for the paths. */
export const furnish = async (url: string, { canaries, token }: Organization) => {
  const send = async (method: string, path: string, body?: unknown) =>
    objectOf(JSON.parse(await must(url, method, path, token, body)))
  const listed = async (path: string) => listOf(JSON.parse(await must(url, "GET", path, token)))
  await send("PUT", `${stage}/secrets/CANARY_SECRET`, { value: "canary-value" })
  const env = { KEY: { secret: "CANARY_SECRET" }, OTHER: "canary-environment" }
  const services = [{ name: "canary-service", image: "canary.example/app:1", env }]
  const spec = { apiVersion: "maxcloud.dev/v1", app: "canary-app", services }
  const deployment = textOf((await send("POST", `${stage}/deployments`, { spec }))["id"])
  // Wait until the deployment has failed because its image is missing. After that it doesn't change.
  await must(url, "GET", `/api/v1/deployments/${deployment}/events`, token)
  const [service] = await listed("/api/v1/services")
  const key = objectOf((await send("POST", "/api/v1/auth/api-keys", { name: "canary-key" }))["apiKey"])
  const invite = await send("POST", "/api/v1/auth/invites", { email: "canary-invite@acme.test", role: "viewer" })
  await send("PUT", "/api/v1/registries/canary.example", { username: "canary-user", password: "canary-password" })
  const [member] = await listed("/api/v1/organization/members")
  return {
    organization: {
      token,
      canaries: [
        ...canaries,
        ...["canary-value", "canary-environment", "canary-service", "canary-key"],
        ...["canary-invite", "canary-user", "canary-password"]
      ]
    },
    /** The value of a name in an operation's path. */
    valueOf: (path: string, name: string): string | undefined => {
      const ids: ReadonlyArray<readonly [string, unknown]> = [
        ["/services/", service?.["id"]],
        ["/deployments/", deployment],
        ["/invites/", invite["id"]],
        ["/api-keys/", key["id"]]
      ]
      const id = ids.find(([part]) => path.includes(part))?.[1]
      const values: Json = {
        id,
        app: "canary-app",
        stage: "canary-stage",
        name: "CANARY_SECRET",
        host: "localhost",
        userId: member?.["userId"]
      }
      const value = values[name]
      return typeof value === "string" ? value : undefined
    }
  }
}

/** Everything that the owner can read, except data that changes by itself. It includes the audit log: others' attempts don't add entries. */
export const everythingOf = async (url: string, { token }: Organization): Promise<string> => {
  const paths = ["/apps", `/apps/canary-app/stages/canary-stage/secrets/CANARY_SECRET/versions`, "/services"].concat(
    ["/auth/api-keys", "/auth/invites", "/auth/oidc-trusts", "/registries", "/organization", "/organization/members"],
    ["/audit", "/apps/canary-app/stages/canary-stage/deployments"]
  )
  const told: Array<string> = []
  for (const path of paths) told.push(`${path} ${await must(url, "GET", `/api/v1${path}`, token)}`)
  return told.join("\n")
}
