import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { parseAllDocuments } from "yaml"
import { operations } from "../../sdk/src/api/operations.ts"
import { settings } from "../../server/src/base/settings/ServerConfig.ts"
import { serverAccount, systemNamespace } from "../../server/src/runtimes/kubeApi/systemNames.ts"
import { blocksOf } from "./blocks.ts"

const root = join(import.meta.dirname, "../..")
const page = readFileSync(join(root, "docs/kubernetes.md"), "utf8")
const objects = blocksOf(page)
  .filter(({ language }) => language === "yaml")
  .flatMap(({ text }) => parseAllDocuments(text).map((document) => document.toJS()))
const only = (kind: string) => objects.find((object) => object.kind === kind)
const { spec } = only("Deployment").spec.template
const [container] = spec.containers
const valueOf = (name: string) => container.env.find((each: { name: string }) => each.name === name)?.value

describe("the manifest of a server on Kubernetes", () => {
  it("sets only settings that exist, and uses the Secret keys of the command above it", () => {
    const known = new Set(Object.values(settings).map((setting) => setting.name))
    for (const { name, valueFrom } of container.env) {
      expect(known).toContain(name)
      if (valueFrom?.secretKeyRef.name === "maxcloud-server") {
        expect(page).toContain(`--from-literal=${valueFrom.secretKeyRef.key}`)
      }
    }
  })

  it("listens on the port that its probes and its Service use", () => {
    expect(valueOf("MAXCLOUD_HOST")).toBe("0.0.0.0")
    expect(container.ports).toEqual([{ name: "http", containerPort: Number(valueOf("MAXCLOUD_PORT")) }])
    const service = only("Service")
    expect(service.spec.selector).toEqual(only("Deployment").spec.template.metadata.labels)
    expect(service.spec.ports[0].targetPort).toBe("http")
    const open = new Set([...operations.values()].filter(({ method }) => method === "GET").map(({ path }) => path))
    for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
      expect(container[probe].httpGet.port).toBe("http")
      expect(open).toContain(container[probe].httpGet.path)
    }
  })

  it("runs as the image's user, with the service account of `cluster install`, on the volume that it claims", () => {
    const [, user] = /^USER (\d+)/m.exec(readFileSync(join(root, "Containerfile"), "utf8")) ?? []
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: Number(user), fsGroup: Number(user) })
    expect(spec.serviceAccountName).toBe(serverAccount)
    for (const object of objects) expect(object.metadata.namespace).toBe(systemNamespace)
    const [volume] = spec.volumes
    expect(volume.persistentVolumeClaim.claimName).toBe(only("PersistentVolumeClaim").metadata.name)
    expect(container.volumeMounts).toEqual([{ name: volume.name, mountPath: valueOf("MAXCLOUD_DATA_DIR") }])
  })

  it("runs the image that the page builds", () => {
    expect(page).toContain(`npm run image -- ${container.image}`)
    expect(valueOf("MAXCLOUD_SYSTEM_IMAGE")).toBe(container.image)
    expect(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts).toHaveProperty("image")
  })
})
