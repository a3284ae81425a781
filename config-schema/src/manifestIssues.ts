import { quoted } from "./bounds.ts"
import type { AppObject } from "./manifestObjects.ts"
import type { ManifestPatch } from "./manifestPatches.ts"
import type { SpecIssue } from "./specIssues.ts"

interface PatchedService {
  readonly name: string
  readonly files: Readonly<Record<string, unknown>>
  readonly manifests?: ReadonlyArray<ManifestPatch> | undefined
}

const podSpecOf = (patch: ManifestPatch) => (patch.patch === "Service" ? patch.fields.spec?.template?.spec : undefined)

const isInside = (path: string, other: string) => path === other || path.startsWith(`${other}/`)

/** Reports two patches of one kind, volumes with the same name, and mounts without a volume or that hide each other. */
export const patchIssues = ({ files, manifests = [] }: PatchedService): ReadonlyArray<SpecIssue> =>
  manifests.flatMap((patch, index): ReadonlyArray<SpecIssue> => {
    const path = ["manifests", index]
    if (manifests.findIndex((each) => each.patch === patch.patch) < index) {
      return [{ path, message: `Two patches change the ${patch.patch}. Merge them into one.` }]
    }
    const inPod = [...path, "fields", "spec", "template", "spec"]
    const spec = podSpecOf(patch)
    const volumes = spec?.volumes ?? []
    const mounts = spec?.containers?.[0]?.volumeMounts ?? []
    const names = volumes.map((volume) => volume.name)
    return [
      ...names.flatMap((name, at) =>
        names.indexOf(name) < at
          ? [{ path: [...inPod, "volumes", at, "name"], message: `Two volumes have the name "${name}". Rename one.` }]
          : []
      ),
      ...mounts.flatMap(({ mountPath, name }, at): ReadonlyArray<SpecIssue> => {
        const place = [...inPod, "containers", 0, "volumeMounts", at]
        if (!names.includes(name)) {
          return [{ path: [...place, "name"], message: `No volume has the name "${name}". Add it to \`volumes\`.` }]
        }
        const others = [...Object.keys(files), ...mounts.slice(0, at).map((mount) => mount.mountPath)]
        const other = others.find((each) => isInside(mountPath, each) || isInside(each, mountPath))
        return other === undefined
          ? []
          : [
              {
                path: [...place, "mountPath"],
                message: `${quoted(mountPath)} and ${quoted(other)} hide each other. Move one of them.`
              }
            ]
      })
    ]
  })

interface AppWithObjects {
  readonly services: ReadonlyArray<PatchedService>
  readonly manifests?: ReadonlyArray<AppObject> | undefined
}

/** Reports objects with the same name, volumes of missing ConfigMaps, and budgets of missing services. */
export const objectIssues = ({ manifests = [], services }: AppWithObjects): ReadonlyArray<SpecIssue> => {
  const idOf = ({ kind, metadata }: AppObject) => `${kind}/${metadata.name}`
  const ids = manifests.map(idOf)
  const ofObjects = manifests.flatMap((object, index): ReadonlyArray<SpecIssue> => {
    if (ids.indexOf(idOf(object)) < index) {
      const message = `Two objects are the ${object.kind} "${object.metadata.name}". Rename one of them.`
      return [{ path: ["manifests", index, "metadata", "name"], message }]
    }
    if (object.kind !== "PodDisruptionBudget") return []
    const selected = object.spec.selector.matchLabels["maxcloud.dev/service"]
    return services.some((service) => service.name === selected)
      ? []
      : [
          {
            path: ["manifests", index, "spec", "selector", "matchLabels"],
            message: `"${selected}" isn't a service of this app. Select one of its services with "maxcloud.dev/service".`
          }
        ]
  })
  const ofVolumes = services.flatMap((service, index) =>
    (service.manifests ?? []).flatMap((patch, at) =>
      (podSpecOf(patch)?.volumes ?? []).flatMap(({ configMap }, volume): ReadonlyArray<SpecIssue> => {
        if (configMap === undefined || ids.includes(`ConfigMap/${configMap.name}`)) return []
        const inPod = ["services", index, "manifests", at, "fields", "spec", "template", "spec", "volumes", volume]
        const message = `The app has no ConfigMap "${configMap.name}". Add it to the app's \`manifests\`.`
        return [{ path: [...inPod, "configMap", "name"], message }]
      })
    )
  )
  return [...ofObjects, ...ofVolumes]
}
