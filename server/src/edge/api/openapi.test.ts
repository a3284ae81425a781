import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { operations } from "@maxcloud/sdk/api"
import { docsPage } from "./docsPage.ts"
import { openApi } from "./openapi.ts"

describe("the OpenAPI document", () => {
  it("is the one in docs/ (else run `npm run generate`)", () => {
    const committed = readFileSync(join(import.meta.dirname, "../../../../docs/openapi.json"), "utf8")
    assert.strictEqual(committed, `${JSON.stringify(openApi(), null, 2)}\n`)
  })

  it("describes every operation and every answer, errors as problem documents", () => {
    for (const [path, item] of Object.entries(openApi().paths)) {
      for (const [method, operation] of Object.entries(item)) {
        const where = `${method} ${path}`
        assert.isNotEmpty(operation.summary, where)
        assert.isNotEmpty(operation.description, where)
        if (path.includes("{")) assert.property(operation.responses, "404", where)
        for (const [status, response] of Object.entries(operation.responses)) {
          assert.isNotEmpty(response.description, `${where} ${status}`)
          if (Number(status) >= 400)
            assert.hasAllKeys(response.content, ["application/problem+json"], `${where} ${status}`)
        }
      }
    }
  })

  it("says of each operation whether it needs a credential, as the contract has it", () => {
    const { components, paths } = openApi()
    assert.deepInclude(components.securitySchemes.bearer, { type: "http", scheme: "bearer" })
    const said = Object.values(paths).flatMap((item) =>
      Object.values(item).map(({ operationId, responses, security, tags: [group = ""] }) => {
        assert.strictEqual("401" in responses, security.length > 0, operationId)
        const name = operationId.startsWith(`${group}.`) ? operationId : `${group}.${operationId}`
        return [name, security.length === 0 ? "open" : JSON.stringify(security)] as const
      })
    )
    const wanted = operations.map(
      ({ name, row }) => [name, row.roles === "open" ? "open" : JSON.stringify([{ bearer: [] }])] as const
    )
    assert.sameDeepMembers(said, wanted)
  })

  it("refers only to schemas that it has", () => {
    const document = openApi()
    const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/([^"]+)/g)].map(
      (match) => match[1] ?? ""
    )
    assert.includeMembers(Object.keys(document.components.schemas), names)
  })

  it("is readable as a page without anything from elsewhere", () => {
    const page = docsPage(openApi())
    assert.include(page, "Create a service from an image")
    assert.notMatch(page, /<script|src=|https?:\/\/(?!maxcloud\.dev\/problems)/)
    for (const [, anchor] of page.matchAll(/href="#([^"]+)"/g)) assert.include(page, `id="${anchor}"`)
  })
})
