import { describe, expect, it } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Redacted } from "effect"
import fc from "fast-check"
import { grantPull, grantScopes } from "./grantScopes.ts"
import { organizationOfPull, pullPasswordOf } from "./pullPasswords.ts"

const own = OrganizationId.make(`org_${"1".repeat(32)}`)
const other = OrganizationId.make(`org_${"2".repeat(32)}`)
const [first, second] = [Redacted.make("a".repeat(43)), Redacted.make("b".repeat(43))]

describe("the password that nodes pull with", () => {
  it("is the same on every server, and another one for each organization, period and secret", () => {
    const texts = [
      pullPasswordOf(first, own, 7),
      pullPasswordOf(first, other, 7),
      pullPasswordOf(first, own, 8),
      pullPasswordOf(second, own, 7)
    ].map(Redacted.value)
    expect(new Set(texts).size).toBe(texts.length)
    expect(Redacted.value(pullPasswordOf(first, own, 7))).toBe(texts[0])
  })

  it("names its organization in its own period and the next one, and never afterwards", () => {
    const password = pullPasswordOf(first, own, 7)
    const at = (period: number) => organizationOfPull([second, first], password, period)
    expect([at(6), at(7), at(8)]).toEqual([own, own, own])
    expect([at(5), at(9), at(1_000)]).toEqual([undefined, undefined, undefined])
    expect(organizationOfPull([second], password, 7)).toBeUndefined()
  })

  it("can't be changed into another one's", () => {
    const written = Redacted.value(pullPasswordOf(first, own, 7))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc
            .tuple(fc.nat(written.length - 1), fc.string({ minLength: 0, maxLength: 3 }))
            .map(([at, text]) => written.slice(0, at) + text + written.slice(at + 1)),
          fc.constant(written.replace("1".repeat(32), "2".repeat(32)))
        ),
        (text) => text === written || organizationOfPull([first], Redacted.make(text), 7) === undefined
      ),
      { numRuns: 500 }
    )
  })

  it("only gets tokens for pulling the organization's images", () => {
    const caller = {
      organization: { id: own, name: OrganizationName.make("acme") },
      roles: ["owner"],
      scopes: undefined,
      credential: { type: "pull", id: own }
    } as const
    const scopes = [`repository:${own}/shop:pull,push`, `repository:${own}/blog:push`, `repository:${other}/shop:pull`]
    expect(grantScopes(caller, scopes)).toEqual([{ type: "repository", name: `${own}/shop`, actions: ["pull"] }])
    expect(grantPull(own, `${own}/shop`)).toHaveLength(1)
    for (const name of [`${other}/shop`, `${own}/shop/more`, `${own}/`, "shop", `${own}`]) {
      expect(grantPull(own, name)).toEqual([])
    }
  })
})
