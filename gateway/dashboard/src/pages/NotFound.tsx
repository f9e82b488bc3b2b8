// What is shown where there is no page.

export default function NotFound() {
  return (
    <main class="notice card">
      <h1>There is no such page</h1>
      <a href="/">To the overview</a>
    </main>
  );
}
