import { App, type IResolver, NumberStringUnionResolver } from "cdk8s"

const resolvers = [new NumberStringUnionResolver()]

/** An App of plain data. Only quantities and ports are resolved, so that not every value also becomes a lazy one and a token. */
export class PlainApp extends App {
  override readonly resolvers: Array<IResolver> = resolvers
}
