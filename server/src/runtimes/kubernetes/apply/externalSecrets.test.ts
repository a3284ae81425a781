import { describe, expect, it } from "@effect/vitest"
import { failureOf } from "./externalSecrets.ts"

const manifest = {
  apiVersion: "external-secrets.io/v1",
  kind: "ExternalSecret",
  metadata: { name: "web--1" },
  spec: {
    secretStoreRef: { kind: "ClusterSecretStore", name: "vault" },
    data: [
      { secretKey: "A", remoteRef: { key: "acme/shop/production/A", property: "value" } },
      { secretKey: "B", remoteRef: { key: "acme/shop/production/B" } }
    ]
  }
}

describe("the operator's messages about a store", () => {
  it.each([
    [
      "error processing spec.data[1] (key: acme/shop/production/B), err: Secret does not exist",
      "B",
      "acme/shop/production/B"
    ],
    [
      'error processing spec.data[0] (key: acme/shop/production/A), err: cannot find secret data for key: "value"',
      "A",
      "acme/shop/production/A#value"
    ]
  ])("%s: is a missing value", (said, name, key) => {
    expect(failureOf(manifest, said)).toEqual({
      missing: `The secret "${name}" has no value in the store "vault". Nothing is stored under the key ${key}`
    })
  })

  it.each([
    "error processing spec.data[0] (key: a), err: cannot read secret data from Vault: Code: 403. Errors: permission denied",
    "error processing spec.data[0] (key: a), err: dial tcp 127.0.0.1:8200: connect: connection refused",
    "error processing spec.data[7] (key: a), err: Secret does not exist",
    "could not get secret data from provider"
  ])("%s: is an unreadable store", (said) => {
    expect(failureOf(manifest, said)).toEqual({ failed: said })
  })
})
