import { createServer, type RequestListener } from "node:http"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Either, Redacted } from "effect"
import fc from "fast-check"
import { startFakeTokenServer } from "../../../../test/registry/fakeTokenServer.ts"
import { missingTools } from "../../../../test/registry/missingTools.ts"
import { startTestRegistry, testUser } from "../../../../test/registry/testRegistry.ts"
import { layer, RegistryLogins, type RegistryLoginsOptions } from "./RegistryLogins.ts"

const check = async (
  host: string,
  { password, username }: { readonly username: string; readonly password: string },
  options: Partial<RegistryLoginsOptions> = { insecureRegistries: [host] }
) => {
  const settings = { insecureRegistries: [], privateRegistries: [], unresolvedRegistries: [], ...options }
  const checked = Effect.flatMap(RegistryLogins, (registryLogins) =>
    registryLogins.check(host, { username, password: Redacted.make(password) })
  )
  const found = await Effect.runPromise(Effect.either(checked).pipe(Effect.provide(layer(settings))))
  return Either.isRight(found) ? "taken" : `${found.left._tag}: ${found.left.message}`
}
const wrong = { username: testUser.username, password: "not-the-password" }

const serve = async (listener: RequestListener) => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    host: `127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

describe.skipIf(missingTools("logins at a registry", "docker-registry").length > 0)("a login", () => {
  it("are accepted by a registry with users if the password is right, and by a public one", async () => {
    await using users = await startTestRegistry("users")
    expect(await check(users.host, testUser)).toBe("taken")
    expect(await check(users.host, wrong)).toMatch(
      /^ImageProblem: 127\.0\.0\.1:\d+ denied the user "puller".*Nothing was stored/
    )
    await using open = await startTestRegistry()
    expect(await check(open.host, wrong)).toBe("taken")
  })

  it("are accepted by a registry with a token server if that gives the user a token", async () => {
    await using tokens = await startFakeTokenServer()
    await using registry = await startTestRegistry(tokens.auth)
    const options = { insecureRegistries: [registry.host, new URL(tokens.auth.realm).host] }
    expect(await check(registry.host, testUser, options)).toBe("taken")
    expect(tokens.asked.at(-1)).toEqual({ user: testUser.username, scope: "" })
    expect(await check(registry.host, wrong, options)).toMatch(/^ImageProblem: .*denied the user "puller"/)
  })
})

describe("a login that can't be checked", () => {
  it("is refused if the host isn't a registry or is unreachable", async () => {
    await using page = await serve((_, response) => response.writeHead(404).end())
    expect(await check(page.host, testUser)).toMatch(/^ImageProblem: .*HTTP 404.*Check the host/)
    await using busy = await serve((_, response) => response.writeHead(503).end())
    expect(await check(busy.host, testUser)).toMatch(/^ImagesError: .*HTTP 503/)
    await using unclear = await serve((_, response) => response.writeHead(401).end())
    expect(await check(unclear.host, testUser)).toMatch(/^ImageProblem: .*how to sign in/)
    expect(await check("127.0.0.1:1", testUser)).toMatch(/^ImagesError: .*127\.0\.0\.1:1/)
  })

  it("isn't sent to any address of this machine or a private network", async () => {
    let asked = 0
    await using victim = await serve((_, response) => {
      asked++
      response.end()
    })
    for (const host of [victim.host, victim.host.replace("127.0.0.1", "localhost"), "169.254.169.254", "10.0.0.1"]) {
      expect(await check(host, testUser, {})).toMatch(/^ImageProblem: .*doesn't call for tenants/)
    }
    expect(asked).toBe(0)
  })

  it("is stored unchecked if the operator says that the registry isn't contacted", async () => {
    expect(await check("127.0.0.1:1", testUser, { unresolvedRegistries: ["127.0.0.1:1"] })).toBe("taken")
  })
})

it("never quotes the password, whatever the registry answers", async () => {
  let answer = { status: 200, challenge: "" }
  await using hostile = await serve((request, response) => {
    const { authorization = "" } = request.headers
    response.writeHead(answer.status, {
      ...(answer.challenge === "" ? {} : { "www-authenticate": answer.challenge }),
      location: `/${Buffer.from(authorization).toString("hex")}`
    })
    response.end(`${authorization} ${Buffer.from(authorization.slice(6), "base64").toString("latin1")}`)
  })
  const challenges = [
    "",
    "Basic",
    'Basic realm="x"',
    `Bearer realm="http://${hostile.host}/token"`,
    'Bearer realm="nonsense"'
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(200, 301, 307, 400, 401, 401, 401, 403, 404, 418),
      fc.constantFrom(...challenges),
      fc.string({ minLength: 8, maxLength: 40, unit: "grapheme-ascii" }),
      async (status, challenge, password) => {
        answer = { status, challenge }
        const said = await check(hostile.host, { username: "ada", password })
        expect(said).not.toContain(password)
        expect(said).not.toContain(Buffer.from(`ada:${password}`).toString("base64"))
      }
    ),
    { numRuns: 60 }
  )
})
