import { describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import fc from "fast-check"
import { carriesSecret, inOrganization, operations } from "../api/operations.ts"
import { belowOrganization } from "../api/organizationPath.ts"
import { createClient } from "../client.ts"
import { MaxCloud } from "../MaxCloud.ts"

const filled = (path: string) => path.replace(/:\w+/g, "a1")

describe("the paths below an organization", () => {
  it("exist for every operation about one, and are unique", () => {
    const paths = operations.flatMap(({ method, organizationPath }) =>
      organizationPath === undefined ? [] : [`${method} ${organizationPath}`]
    )
    expect(new Set(paths).size).toBe(paths.length)
    expect(operations.filter((each) => each.organizationPath === undefined).map(({ name }) => name)).toEqual(
      operations.filter(({ row }) => row.roles === "open" || row.about === "person").map(({ name }) => name)
    )
  })

  it("mark the same operations as secret", () => {
    for (const { isSecret, method, organizationPath, path } of operations) {
      expect([path, carriesSecret(method, filled(path))]).toEqual([path, isSecret])
      if (organizationPath !== undefined) expect(carriesSecret(method, filled(organizationPath))).toBe(isSecret)
    }
  })

  it("are derived from the short ones, and stay the same if derived again", () => {
    expect(inOrganization("/api/v1/services?cursor=a%2Fb", "acme")).toBe(
      "/api/v1/organizations/acme/services?cursor=a%2Fb"
    )
    expect(inOrganization("/api/v1/auth/api-keys", "acme")).toBe("/api/v1/organizations/acme/api-keys")
    expect(inOrganization("/api/v1/organization", "acme")).toBe("/api/v1/organizations/acme")
    for (const { organizationPath, path } of operations) {
      const long = inOrganization(filled(path), "acme")
      expect(long).toBe(
        organizationPath === undefined ? filled(path) : filled(organizationPath.replace(":org", "acme"))
      )
      expect(inOrganization(long, "rival")).toBe(long)
    }
    fc.assert(
      fc.property(
        fc.string(),
        (name) => belowOrganization("/api/v1/services", name) === `/api/v1/organizations/${name}/services`
      )
    )
  })
})

/** A client of a server without useful answers, and the requested paths. */
const asked = async (
  organization: string | undefined,
  use: (client: ReturnType<typeof createClient>) => Promise<unknown>
) => {
  const urls: Array<string> = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    urls.push(new URL(input instanceof Request ? input.url : input).pathname)
    expect(new Headers(init?.headers).get("authorization")).toBe("Bearer mck_x")
    return new Response("{}", { status: 418 })
  }
  const client = createClient({ apiUrl: "https://cloud.example.com/behind", token: "mck_x", organization, fetch })
  const error = await use(client).then(
    () => undefined,
    (error: unknown) => error
  )
  return { urls, error: error instanceof Error ? error.name : error }
}

describe("a client with an organization", () => {
  it("sends every call about it to its paths: plain ones, streams, exports and uploads", async () => {
    const path = async (use: Parameters<typeof asked>[1]) => (await asked("acme", use)).urls[0]
    const below = "/behind/api/v1/organizations/acme"
    expect(await path((client) => client.services.list())).toBe(`${below}/services`)
    expect(await path((client) => client.auth.apiKeys.list())).toBe(`${below}/api-keys`)
    expect(await path((client) => client.organization.get())).toBe(below)
    expect(await path((client) => client.secrets.set("shop", "A", "x"))).toBe(
      `${below}/apps/shop/stages/production/secrets/A`
    )
    expect(
      await path((client) =>
        client.deployments
          .events(`dep_${"1".repeat(32)}`)
          [Symbol.asyncIterator]()
          .next()
      )
    ).toBe(`${below}/deployments/dep_${"1".repeat(32)}/events`)
    expect(await path((client) => client.audit.export()[Symbol.asyncIterator]().next())).toBe(`${below}/audit/export`)
  })

  it("leaves the paths of calls about the person, and of all calls without an organization", async () => {
    const path = async (organization: string | undefined, use: Parameters<typeof asked>[1]) =>
      (await asked(organization, use)).urls[0]
    expect(await path("acme", (client) => client.auth.signOut())).toBe("/behind/api/v1/auth/sign-out")
    expect(await path("acme", (client) => client.account.delete())).toBe("/behind/api/v1/account/deletion")
    for (const own of [undefined, "-"]) {
      expect(await path(own, (client) => client.services.list())).toBe("/behind/api/v1/services")
    }
  })

  it("sends nothing if the name is invalid", async () => {
    for (const name of ["", "..", ".", "ACME", "acme/../rival", "a?b", "%2e%2e", "acme "]) {
      for (const use of [
        (client: ReturnType<typeof createClient>) => client.services.list(),
        (client: ReturnType<typeof createClient>) => client.audit.export()[Symbol.asyncIterator]().next()
      ]) {
        expect(await asked(name, use)).toEqual({ urls: [], error: "InvalidRequest" })
      }
    }
  })

  it("exists with Effects too", async () => {
    const urls: Array<string> = []
    const fetch: typeof globalThis.fetch = async (input) => {
      urls.push(String(input))
      return new Response("{}", { status: 418 })
    }
    const layer = MaxCloud.layer({ apiUrl: "https://cloud.example.com", token: "x", organization: "acme", fetch })
    await MaxCloud.pipe(
      Effect.flatMap((cloud) => Stream.runDrain(cloud.events.follow())),
      Effect.provide(layer),
      Effect.exit,
      Effect.runPromise
    )
    expect(urls[0]).toBe("https://cloud.example.com/api/v1/organizations/acme/events")
  })
})
