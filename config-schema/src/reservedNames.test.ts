import { describe, expect, it } from "@effect/vitest"
import { isReservedName, isReservedPrefix } from "./reservedNames.ts"

describe("reserved names", () => {
  it("include those of clusters, of the platform, and of its hosts", () => {
    const reserved =
      "kube-system kube-public kube-anything default knative-serving knative-eventing kourier-system flux-system argocd monitoring ingress-nginx external-secrets cert-manager istio-system longhorn-system gpu-operator maxcloud maxcloud-system maxcloud-scratch local server www api admin mail"
    for (const name of reserved.split(" ")) expect(isReservedName(name), name).toBe(true)
  })

  it("exclude other names, even those that contain a reserved one", () => {
    for (const name of "acme shop my-api api-team kuber-x knativity system-one mailchimp org-1".split(" ")) {
      expect(isReservedName(name), name).toBe(false)
    }
  })

  it("refuse a prefix that would allow a tenant's namespace to have one of them", () => {
    for (const prefix of ["kube-", "maxcloud-", "cert-", "external-", "k-", "flux-"]) {
      expect(isReservedPrefix(prefix), prefix).toBe(prefix !== "k-")
    }
    expect(isReservedPrefix("mc-")).toBe(false)
  })
})
