'use strict';

// The same origin as the page: the browser asks nobody for permission, and no server grants one.
fetch('/api/greeting?name=browser')
  .then((answer) => answer.json())
  .then((greeting) => {
    document.getElementById('answer').textContent = greeting.message;
  })
  .catch((error) => {
    document.getElementById('answer').textContent = 'no answer: ' + error.message;
  });
