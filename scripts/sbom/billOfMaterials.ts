import { createHash } from "node:crypto"
import { Contrib, Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library"
import { PackageURL } from "packageurl-js"
import { bundledPackages, type FoundPackage, installedPackages, keyOf } from "./foundPackages.ts"
import { isAllowed } from "./licenses.ts"

/** A published package and its components. */
export interface Materials {
  readonly own: FoundPackage
  /** Packages inside its own files, by name and version. */
  readonly bundled: ReadonlyMap<string, FoundPackage>
  /** Packages that a package manager installs beside it. */
  readonly installed: ReadonlyMap<string, FoundPackage>
}

export const materialsOf = (own: FoundPackage, files: ReadonlyArray<string>): Materials => ({
  own,
  bundled: bundledPackages(own, files),
  installed: installedPackages(own)
})

const licenses = new Contrib.License.Factories.LicenseFactory((expression) => {
  if (!isAllowed(expression)) throw new Error(`The license ${expression} isn't allowed by scripts/sbom/licenses.ts.`)
})

const purlOf = ({ name, version }: FoundPackage) => {
  const [scope, bare] = name.startsWith("@") ? name.split("/") : [undefined, name]
  return new PackageURL("npm", scope, bare ?? name, version, undefined, undefined).toString()
}

const componentOf = (found: FoundPackage, type: Enums.ComponentType) => {
  const purl = purlOf(found)
  const component = new Models.Component(type, found.name, { bomRef: purl, version: found.version, purl })
  if (found.description !== undefined) component.description = found.description
  if (found.license !== undefined) component.licenses.add(licenses.makeFromString(found.license))
  return component
}

/** The property that says whether a component is in our files (`bundled`), installed beside them (`installed`), or both. */
export const inclusionProperty = "maxcloud:inclusion"

/** Derived from the bill's content, so that the same build always has the same bill. */
const serialNumberOf = (lines: ReadonlyArray<string>) => {
  const hex = createHash("sha256").update(lines.join("\n")).digest("hex")
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** The bill of materials of a package, as CycloneDX 1.6 in JSON. */
export const billOfMaterials = ({ bundled, installed, own }: Materials): string => {
  const root = componentOf(own, Enums.ComponentType.Application)
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: root }) })
  const all = new Map([...installed, ...bundled])
  const components = new Map([...all].map(([key, _]) => [key, componentOf(_, Enums.ComponentType.Library)]))
  const lines = [keyOf(own)]
  for (const [key, component] of components) {
    component.scope = Enums.ComponentScope.Required
    for (const [inclusion, where] of [
      ["bundled", bundled],
      ["installed", installed]
    ] as const) {
      if (!where.has(key)) continue
      component.properties.add(new Models.Property(inclusionProperty, inclusion))
      lines.push(`${inclusion} ${key}`)
    }
    bom.components.add(component)
    if (bundled.has(key)) root.dependencies.add(component.bomRef)
  }
  for (const [from, found] of [
    [root, own] as const,
    ...[...components].map(([key, _]) => [_, all.get(key)] as const)
  ]) {
    const names = new Set([...(found?.dependencies ?? []), ...(found?.optionalDependencies ?? [])])
    for (const [key, { name }] of all) {
      const to = components.get(key)
      if (names.has(name) && to !== undefined) from.dependencies.add(to.bomRef)
    }
  }
  bom.serialNumber = serialNumberOf(lines.toSorted())
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`
}
