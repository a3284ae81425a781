import { describe, expect, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { domainTemplateOf, NamespacePrefix, prefixOfTemplate } from "./namespacePrefix.ts"

const read = (written: string) => Either.getOrUndefined(Schema.decodeEither(NamespacePrefix)(written))

describe("the prefix of tenants' namespaces", () => {
  it("ends with one dash, or is empty", () => {
    expect(read("mc-")).toBe("mc-")
    expect(read("acme-cloud-")).toBe("acme-cloud-")
    expect(read("none")).toBe("")
    for (const wrong of ["", "mc", "mc--", "-", "Mc-", "9mc-", "a--b-", "mc.", `${"a".repeat(20)}-`]) {
      expect(read(wrong), wrong).toBeUndefined()
    }
  })

  it("can't give an organization a namespace of the cluster", () => {
    for (const wrong of ["kube-", "knative-", "maxcloud-", "istio-", "cert-", "ingress-", "flux-", "external-"]) {
      expect(read(wrong), wrong).toBeUndefined()
    }
  })

  it("is recognized in its own template, and in no other", () => {
    for (const prefix of ["", "mc-", "acme-cloud-"]) {
      expect(prefixOfTemplate(domainTemplateOf(prefix))).toBe(prefix)
    }
    expect(prefixOfTemplate("{{.Name}}.{{.Namespace}}.{{.Domain}}")).toBeUndefined()
    expect(prefixOfTemplate(`${domainTemplateOf("mc-")}x`)).toBeUndefined()
  })
})
