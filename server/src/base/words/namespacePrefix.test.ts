import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { domainTemplateOf, NamespacePrefix, prefixOfTemplate } from "./namespacePrefix.ts"

const read = (written: string) => Either.getOrUndefined(Schema.decodeEither(NamespacePrefix)(written))

describe("the prefix of tenants' namespaces", () => {
  it("ends with one dash, or there is none", () => {
    assert.strictEqual(read("mc-"), "mc-")
    assert.strictEqual(read("acme-cloud-"), "acme-cloud-")
    assert.strictEqual(read("none"), "")
    for (const wrong of ["", "mc", "mc--", "-", "Mc-", "9mc-", "a--b-", "mc.", `${"a".repeat(20)}-`]) {
      assert.isUndefined(read(wrong), wrong)
    }
  })

  it("is none with which an organization could have a namespace of the cluster", () => {
    for (const wrong of ["kube-", "knative-", "maxcloud-", "istio-", "cert-", "ingress-", "flux-", "external-"]) {
      assert.isUndefined(read(wrong), wrong)
    }
  })

  it("is recognized in its own template, and in no other", () => {
    for (const prefix of ["", "mc-", "acme-cloud-"]) {
      assert.strictEqual(prefixOfTemplate(domainTemplateOf(prefix)), prefix)
    }
    assert.isUndefined(prefixOfTemplate("{{.Name}}.{{.Namespace}}.{{.Domain}}"))
    assert.isUndefined(prefixOfTemplate(`${domainTemplateOf("mc-")}x`))
  })
})
