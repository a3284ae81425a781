import { describe, expect, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { trustOf, type WrittenTrust } from "./oidcTrust.ts"

const of = (written: Partial<WrittenTrust>) =>
  Effect.runSync(
    Effect.either(
      trustOf({ github: undefined, gitlab: undefined, branch: undefined, issuer: undefined, claim: [], ...written })
    )
  )

describe("trustOf", () => {
  it("knows the claims of GitHub and GitLab", () => {
    expect([
      of({ github: "acme/shop" }),
      of({ github: "acme/shop", branch: "main" }),
      of({ gitlab: "acme/web/shop", branch: "main" }),
      of({ gitlab: "acme/shop", issuer: "https://git.example.com", claim: ["ref_protected=true"] }),
      of({ issuer: "https://ci.example.com", claim: ["sub=a=b*"] })
    ]).toEqual(
      [
        { issuer: "https://token.actions.githubusercontent.com", claims: { repository: "acme/shop" } },
        {
          issuer: "https://token.actions.githubusercontent.com",
          claims: { sub: "repo:acme/shop:ref:refs/heads/main" }
        },
        {
          issuer: "https://gitlab.com",
          claims: { sub: "project_path:acme/web/shop:ref_type:branch:ref:main" }
        },
        { issuer: "https://git.example.com", claims: { project_path: "acme/shop", ref_protected: "true" } },
        { issuer: "https://ci.example.com", claims: { sub: "a=b*" } }
      ].map(Either.right)
    )
  })

  it("refuses claims that would trust more than intended", () => {
    for (const written of [
      {},
      { issuer: "https://ci.example.com" },
      { github: "acme/*" },
      { github: "acme" },
      { gitlab: "acme" },
      { github: "acme/shop", gitlab: "acme/shop" },
      { issuer: "https://ci.example.com", claim: ["sub=x"], branch: "main" },
      { github: "acme/shop", branch: "" },
      { claim: ["sub"], github: "acme/shop" },
      { claim: ["=x"], github: "acme/shop" }
    ]) {
      expect([written, Either.isLeft(of(written))]).toEqual([written, true])
    }
  })
})
