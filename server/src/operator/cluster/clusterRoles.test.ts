import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { clusterRoleOf, clusterRolePage, rolesWith, serverRole } from "./clusterRoles.ts"
import { manifests, readObjectKinds } from "./commands.ts"
import { pathOfManifest } from "./installKinds.ts"
import { installManifests } from "./installManifests.ts"

it("docs/reference/cluster-role.yaml matches the code: `npm run generate` writes it", () => {
  const written = readFileSync(join(import.meta.dirname, "../../../../docs/reference/cluster-role.yaml"), "utf8")
  expect(written).toBe(clusterRolePage())
})

describe("the server's rights in the whole cluster", () => {
  const verbsOf = (resource: string) =>
    serverRole.rules.filter((rule) => rule.resources.includes(resource)).flatMap((rule) => rule.verbs)

  it("exclude Secrets, and anything that runs a program", () => {
    expect([
      ...verbsOf("secrets"),
      ...verbsOf("pods/exec"),
      ...verbsOf("pods/portforward"),
      ...verbsOf("serviceaccounts/token")
    ]).toEqual([])
    expect(verbsOf("pods")).toEqual(["get", "list", "watch"])
  })

  it("include no watch of what may only be read in the server's own namespaces", () => {
    const watched = rolesWith(["ConfigMap", "PodDisruptionBudget"]).flatMap(({ name, rules }) =>
      rules.flatMap(({ resources, verbs }) => (verbs.includes("watch") ? resources.map((one) => `${name} ${one}`) : []))
    )
    const own = /(^| )(secrets|configmaps|poddisruptionbudgets)$/
    expect(watched.filter((one) => own.test(one) || one.startsWith("maxcloud-tenant "))).toEqual([])
    expect(watched).toContain("maxcloud-server networkpolicies")
  })

  it("name each resource and verb", () => {
    for (const { apiGroups, resources, verbs } of rolesWith(["ConfigMap", "PodDisruptionBudget"]).flatMap(
      (role) => role.rules
    )) {
      expect([...apiGroups, ...resources, ...verbs].join(" ")).not.toContain("*")
    }
  })
})

describe("an installation", () => {
  it("has a path for each object, and each object once", () => {
    const paths = installManifests({ namespacePrefix: "mc-", image: "example.com/maxcloud:1" }).map(pathOfManifest)
    expect(new Set(paths).size).toBe(paths.length)
  })

  it("labels nothing as an organization's", () => {
    for (const { metadata } of installManifests({ namespacePrefix: "mc-", image: "example.com/maxcloud:1" })) {
      expect(metadata.labels).toMatchObject({ "app.kubernetes.io/managed-by": "maxcloud-install" })
      expect(Object.keys(metadata.labels ?? {}).filter((text) => text.startsWith("maxcloud.dev/"))).toEqual([])
    }
  })

  it("without an image has no gateway", () => {
    expect(
      installManifests({ namespacePrefix: "mc-", image: undefined }).filter(
        (installManifest) => installManifest.metadata.name === "maxcloud-gateway"
      )
    ).toEqual([])
  })

  it("grants rights to kinds of apps' own objects only if they're named", () => {
    const resourcesWith = (objects: Parameters<typeof rolesWith>[0]) =>
      rolesWith(objects).flatMap((role) =>
        role.rules.flatMap((rule) => (role.name === "maxcloud-tenant" ? rule.resources : []))
      )
    const [none, some] = [resourcesWith([]), resourcesWith(["ConfigMap"])]
    expect(some.filter((resource) => !none.includes(resource))).toEqual(["configmaps"])
    expect(none).not.toContain("poddisruptionbudgets")
  })

  it("prints those rights for a value of MAXCLOUD_MANIFESTS, and refuses an invalid one", () => {
    const printed = (written: string) => {
      const kinds = readObjectKinds(written)
      return kinds.ok ? manifests({ image: undefined, objects: kinds.value }) : kinds.message
    }
    expect(printed("")).not.toMatch(/poddisruptionbudgets/)
    expect(printed("Service:spec.template.spec.volumes")).toBe(printed(""))
    expect(printed("Service:spec.template.spec.volumes,PodDisruptionBudget:spec.minAvailable")).toMatch(
      /poddisruptionbudgets/
    )
    expect(printed("ConfigMap,Secret")).toContain('"ConfigMap,Secret" isn\'t valid')
  })

  it("applies roles as they're documented", () => {
    const applied = installManifests({ namespacePrefix: "mc-", image: "i" }).filter(
      (installManifest) => installManifest.kind === "ClusterRole"
    )
    expect(applied).toEqual(rolesWith([]).map(clusterRoleOf))
  })
})
