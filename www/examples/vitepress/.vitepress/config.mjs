// A VitePress site with playgrounds. `public/ringside` (or any other place) has the files of the package. Vue has to be
// told that the element is not one of its own components; everything else is Markdown.
export default {
  title: 'Replication, by example',
  description: 'Pages with live Redis replication in them',
  head: [
    ['link', { rel: 'icon', href: '/ringside/poster.svg' }],
    ['script', { type: 'module', src: '/ringside/ringside.js' }],
    ['style', {}, 'ringside-playground { display: block; height: 460px; margin: 24px 0 }'],
  ],
  vue: { template: { compilerOptions: { isCustomElement: (tag) => tag.startsWith('ringside-') } } },
  themeConfig: { nav: [{ text: 'Blink', link: '/' }, { text: 'Promotion', link: '/promotion' }] },
};
