import { HttpApi } from "@effect/platform"
import { MaxCloudApi } from "@maxcloud/sdk/api"
import { Option } from "effect"
import { type Operation, policy } from "../../src/tenancy/access/policy.ts"

export interface Endpoint {
  readonly operation: Operation
  readonly method: string
  readonly path: string
  /** Has the contract a schema of its body? */
  readonly takesBody: boolean
}

/** Every endpoint of the contract. */
export const endpointsOfContract = (): Array<Endpoint> => {
  const endpoints: Array<Endpoint> = []
  HttpApi.reflect(MaxCloudApi, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, group }) => {
      const operation = Object.keys(policy).find((_): _ is Operation => _ === `${group.identifier}.${endpoint.name}`)
      if (operation === undefined) throw new Error(`no policy for ${group.identifier}.${endpoint.name}`)
      const { method, path } = endpoint
      endpoints.push({ operation, method, path, takesBody: Option.isSome(endpoint.payloadSchema) })
    }
  })
  return endpoints
}
