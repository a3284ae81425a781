import { type OperationName, operations } from "@maxcloud/sdk/api"

export interface Endpoint {
  readonly operation: OperationName
  readonly method: string
  readonly path: string
  /** Does the contract have a schema for its body? */
  readonly takesBody: boolean
}

/** Every endpoint of the contract. */
export const endpointsOfContract = (): Array<Endpoint> =>
  operations.map(({ method, name, path, takesJson }) => ({ operation: name, method, path, takesBody: takesJson }))
