// graphql-codegen's client preset, on the schema and the operations that stand beside a copy of this.

export default {
  schema: 'schema.graphql',
  documents: 'operations.graphql',
  generates: {
    './gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: { enumType: 'const', useTypeImports: true },
    },
  },
};
