import { describe, expect, it } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import { ApiKeyId, KeyScope, OrganizationId, type Role } from "@maxcloud/sdk/api"
import fc from "fast-check"
import { hostileScopes } from "../../../test/registry/hostileScopes.ts"
import { grantScopes, refusedScopes } from "./grantScopes.ts"

const own = OrganizationId.make(`org_${"1".repeat(32)}`)
const other = `org_${"2".repeat(32)}`

const callerAs = (roles: ReadonlyArray<Role>, scopes?: ReadonlyArray<string>) => ({
  organization: { id: own, name: OrganizationName.make("acme") },
  roles,
  scopes: scopes?.map((scope) => KeyScope.make(scope)),
  credential: { type: "key", id: ApiKeyId.make(`key_${"3".repeat(32)}`) } as const
})

const granted = (caller: ReturnType<typeof callerAs>, ...scopes: ReadonlyArray<string>) =>
  grantScopes(caller, scopes).map(({ actions, name }) => `${name.replace(own, "OWN")}:${actions.join(",")}`)

describe("a token of the registry", () => {
  const deployer = callerAs(["deployer"])

  it("lets a deployer pull and push its organization's images, and a viewer pull them", () => {
    const scope = `repository:${own}/shop:pull,push`
    expect(granted(deployer, scope)).toStrictEqual(["OWN/shop:pull,push"])
    expect(granted(callerAs(["viewer"]), scope)).toStrictEqual(["OWN/shop:pull"])
    expect(granted(callerAs(["billing"]), scope)).toStrictEqual([])
  })

  it("has no more rights than the creator of its key", () => {
    expect(granted(callerAs(["owner", "viewer"]), `repository:${own}/shop:push,pull`)).toStrictEqual(["OWN/shop:pull"])
  })

  it("follows the scopes of a key: an image belongs to its app, in every stage", () => {
    const key = callerAs(["deployer"], ["deploy:shop/production", "read:docs/*"])
    const all = ["shop", "docs", "other"].map((app) => `repository:${own}/${app}:pull,push`)
    expect(granted(key, ...all)).toStrictEqual(["OWN/shop:pull,push", "OWN/docs:pull"])
  })

  it("merges scopes of one repository", () => {
    expect(granted(deployer, `repository:${own}/shop:pull`, `repository:${own}/shop:push`)).toStrictEqual([
      "OWN/shop:pull,push"
    ])
  })

  it.each([
    `repository:${other}/shop:pull`,
    `repository:${own}/shop:delete`,
    `repository:${own}/shop:*`,
    `repository(plugin):${own}/shop:pull`,
    `repository:${own}:pull`,
    `repository:${own}/shop/cache:pull`,
    `repository:${own}/../${other}/shop:pull`,
    `repository:${own.toUpperCase()}/shop:pull`,
    `repository:${own}%2Fshop:pull`,
    `repository:127.0.0.1:5000/${own}/shop:pull`,
    `repository:${own}/Shop:pull`,
    `repository:${own}/shop:PULL`,
    `repository:${own}/shop`,
    "registry:catalog:*",
    "repository::pull",
    ""
  ])("grants nothing for %s", (scope) => {
    expect(granted(callerAs(["owner"]), scope)).toStrictEqual([])
    expect(refusedScopes([scope], [])).toStrictEqual([scope])
  })

  it("grants none of 1,500 hostile scopes, one by one and together", () => {
    const all = hostileScopes(own, other)
    expect(all).toHaveLength(1_500)
    for (const scope of all) expect(granted(callerAs(["owner"]), ...scope.split(" ")), scope).toStrictEqual([])
    for (let start = 0; start < all.length; start += 50) {
      expect(granted(callerAs(["owner"]), ...all.slice(start, start + 50))).toStrictEqual([])
    }
  })

  it("grants only pulls and pushes of the organization's own repositories, whatever is requested", () => {
    const piece = fc.constantFrom(
      own,
      other,
      "/",
      ":",
      ",",
      "shop",
      "pull",
      "push",
      "*",
      "delete",
      "repository",
      "registry",
      "..",
      "%2F",
      " ",
      "(plugin)"
    )
    const scope = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")),
      fc
        .record({ name: fc.array(piece, { maxLength: 4 }), actions: fc.array(piece, { maxLength: 4 }) })
        .map(({ actions, name }) => `repository:${name.join("")}:${actions.join(",")}`),
      fc.string({ maxLength: 60 })
    )
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 20 }), (scopes) => {
        for (const { actions, name } of grantScopes(callerAs(["owner"]), scopes)) {
          expect(name).toMatch(new RegExp(`^${own}/[a-z][-a-z0-9]*$`))
          expect(actions.every((action) => action === "pull" || action === "push")).toBe(true)
          // The client asked for exactly this.
          for (const action of actions) {
            expect(
              scopes.some(
                (each) => each.startsWith(`repository:${name}:`) && each.split(":")[2]?.split(",").includes(action)
              )
            ).toBe(true)
          }
        }
      }),
      { numRuns: 2_000 }
    )
  })
})
