import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { operations } from "@maxcloud/sdk/api"
import { docsPage } from "./docsPage.ts"
import { openApi } from "./openapi.ts"

describe("the OpenAPI document", () => {
  it("is the one in docs/ (else run `npm run generate`)", () => {
    const committed = readFileSync(join(import.meta.dirname, "../../../../docs/openapi.json"), "utf8")
    expect(committed).toBe(`${JSON.stringify(openApi(), null, 2)}\n`)
  })

  it("describes every operation and every answer, errors as problem documents", () => {
    for (const [path, item] of Object.entries(openApi().paths)) {
      for (const [method, operation] of Object.entries(item)) {
        const where = `${method} ${path}`
        expect(operation.summary, where).not.toHaveLength(0)
        expect(operation.description, where).not.toHaveLength(0)
        if (path.includes("{")) expect(operation.responses, where).toHaveProperty("404")
        for (const [status, response] of Object.entries(operation.responses)) {
          expect(response.description, `${where} ${status}`).not.toHaveLength(0)
          if (Number(status) >= 400)
            expect(Object.keys(response.content ?? {}), `${where} ${status}`).toStrictEqual([
              "application/problem+json"
            ])
        }
      }
    }
  })

  it("says of each operation whether it needs a credential, as the contract has it", () => {
    const { components, paths } = openApi()
    expect(components.securitySchemes.bearer).toMatchObject({ type: "http", scheme: "bearer" })
    const said = Object.values(paths).flatMap((item) =>
      Object.values(item).map(({ operationId, responses, security, tags: [group = ""] }) => {
        expect("401" in responses, operationId).toBe(security.length > 0)
        const name = operationId.startsWith(`${group}.`) ? operationId : `${group}.${operationId}`
        return [name, security.length === 0 ? "open" : JSON.stringify(security)] as const
      })
    )
    const wanted = operations.map(
      ({ name, row }) => [name, row.roles === "open" ? "open" : JSON.stringify([{ bearer: [] }])] as const
    )
    expect(said.toSorted()).toStrictEqual(wanted.toSorted())
  })

  it("refers only to schemas that it has", () => {
    const document = openApi()
    const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/([^"]+)/g)].map(
      (match) => match[1] ?? ""
    )
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(names))
  })

  it("is readable as a page without anything from elsewhere", () => {
    const page = docsPage(openApi())
    expect(page).toContain("Create a service from an image")
    expect(page).not.toMatch(/<script|src=|https?:\/\/(?!maxcloud\.dev\/problems)/)
    for (const [, anchor] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${anchor}"`)
  })
})
