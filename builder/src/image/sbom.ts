import { createHash } from "node:crypto"
import * as License from "@cyclonedx/cyclonedx-library/Contrib/License"
import * as Enums from "@cyclonedx/cyclonedx-library/Enums"
import * as Models from "@cyclonedx/cyclonedx-library/Models"
import * as Serialize from "@cyclonedx/cyclonedx-library/Serialize"
import * as Spec from "@cyclonedx/cyclonedx-library/Spec"
import { PackageURL } from "packageurl-js"
import type { ContainedPackage } from "./packages.ts"

const purlOf = ({ name, type, version }: ContainedPackage) => {
  const at = name.lastIndexOf("/")
  const [namespace, bare] = at < 0 ? [undefined, name] : [name.slice(0, at), name.slice(at + 1)]
  return new PackageURL(type, namespace, bare, version, undefined, undefined).toString()
}

const licenses = new License.Factories.LicenseFactory(() => {
  // Without a parser of expressions, the library takes them as names.
  throw new Error("not parsed")
})

/** Derived from the content, so that the same image always has the same bill. */
const serialNumberOf = (lines: ReadonlyArray<string>) => {
  const hex = createHash("sha256").update(lines.join("\n")).digest("hex")
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The bill of materials of an image's own layers, as CycloneDX 1.6 in JSON. Times are left out: the same image has the same bill. */
export const imageSbom = (
  image: { readonly name: string; readonly digest: string },
  base: { readonly name: string | undefined; readonly digest: string },
  packages: ReadonlyArray<ContainedPackage>
): Buffer => {
  const root = new Models.Component(Enums.ComponentType.Container, image.name, {
    bomRef: image.digest,
    version: image.digest
  })
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: root }) })
  const below = new Models.Component(Enums.ComponentType.Container, base.name ?? "base", {
    bomRef: base.digest,
    version: base.digest
  })
  bom.components.add(below)
  root.dependencies.add(below.bomRef)
  for (const each of packages) {
    const purl = purlOf(each)
    const component = new Models.Component(Enums.ComponentType.Library, each.name, {
      bomRef: purl,
      version: each.version,
      purl
    })
    if (each.license !== undefined) component.licenses.add(licenses.makeFromString(each.license))
    bom.components.add(component)
    root.dependencies.add(component.bomRef)
  }
  bom.serialNumber = serialNumberOf([image.digest, base.digest, ...packages.map(purlOf)])
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)
  return Buffer.from(`${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 1 })}\n`)
}
