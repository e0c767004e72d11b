/**
 * What Node is started with. V8 otherwise lets the space for new objects grow to 128 MB, which nothing here needs: with 16 MB halves
 * the process is a third smaller and no slower (docs/decisions/0009-hot-path.md).
 */
export const NODE_FLAGS = ['--max-semi-space-size=16']
