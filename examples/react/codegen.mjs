export default {
  schema: '../../schema.graphql',
  documents: 'src/*.ts',
  generates: {
    './src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: { useTypeImports: true, nonOptionalTypename: true, skipTypeNameForRoot: true },
    },
  },
};
