/** The dispatcher type of `fetch`, from the types of the Node version that this is compiled for. */
export type FetchDispatcher = RequestInit extends { dispatcher?: infer Dispatcher } ? NonNullable<Dispatcher> : object

/** Is it a dispatcher of undici? Node takes any version's, though their types differ. */
export const isDispatcher = (value: object): value is FetchDispatcher => "dispatch" in value
