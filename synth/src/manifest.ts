/** A Kubernetes object as plain data. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

/** Identifies an object of a namespace. */
export interface ObjectRef {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
}

export const refOf = (manifest: Manifest): ObjectRef => ({
  apiVersion: manifest.apiVersion,
  kind: manifest.kind,
  name: manifest.metadata.name
})
