import { describe, expect, it } from "@effect/vitest"
import { pullFailure } from "./image.ts"

const of = (said: string) => pullFailure("registry.test:5000/team/app:1", `Trying to pull…\nError: ${said}`)

describe("a failed pull by the engine", () => {
  it.each<[string, string, boolean]>([
    [
      'pinging container registry registry.test:5000: Get "https://registry.test:5000/v2/": x509: certificate signed by unknown authority',
      "RegistryUntrusted",
      false
    ],
    [
      "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026",
      "RegistryUntrusted",
      false
    ],
    ["x509: certificate is valid for other.test, not registry.test", "RegistryUntrusted", false],
    ["http: server gave HTTP response to HTTPS client", "RegistryUnreachable", false],
    ["dial tcp 127.0.0.1:1: connect: connection refused", "RegistryUnreachable", true],
    ["net/http: TLS handshake timeout", "RegistryUnreachable", true],
    ["manifest unknown", "ImageNotFound", false],
    ["unauthorized: authentication required", "ImageUnauthorized", false],
    ["toomanyrequests: You have reached your pull rate limit", "RegistryUnreachable", true],
    ["no image found in manifest list for architecture s390x", "WrongPlatform", false]
  ])("%s", (said, reason, retryable) => {
    expect(of(said)).toMatchObject({ reason, retryable })
  })

  it("names the file of an unknown authority, and the setting for plain HTTP", () => {
    expect(of("x509: certificate signed by unknown authority").message).toContain(
      "/etc/containers/certs.d/registry.test:5000/ca.crt"
    )
    expect(of("http: server gave HTTP response to HTTPS client").message).toContain(
      "MAXCLOUD_INSECURE_REGISTRIES=registry.test:5000"
    )
  })
})
